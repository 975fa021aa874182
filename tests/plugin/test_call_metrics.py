"""The metrics and logs of a test, on networks that provide all, some or none of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ic_harness.errors import NetworkError
from ic_harness.networks import Capability
from ic_harness.principal import Principal
from ic_harness.testing.plugin.call_metrics import CallMetrics

ONE, OTHER = (Principal(bytes(8) + bytes([number, 1])) for number in (1, 2))
NAMES = {ONE: "counter"}


class Telling:
    """A network with streams and logs, as far as its capabilities go."""

    def __init__(self, *capabilities):
        self.capabilities = frozenset(capabilities)
        self.printed, self.costs = [], []

    def log_stream(self, since=0):
        return len(self.printed), self.printed[since:]

    def metrics(self, since=0):
        return len(self.costs), self.costs[since:]

    def logs(self, canister):
        if canister == OTHER:
            raise NetworkError("not a controller")
        return ["kept"]

    def print(self, canister, text):
        self.printed.append(SimpleNamespace(canister=canister, text=text))

    def cost(self, canister, what, instructions, **more):
        fields = {"cycles": 0, "trapped": False, "query": False, **more}
        self.costs.append(SimpleNamespace(canister=canister, what=what, instructions=instructions, **fields))


def metrics_of(network, names=NAMES):
    """The metrics and logs from now on."""
    return CallMetrics(network, names)


def test_lines_of_a_stream_are_told_with_the_canisters_name():
    """Canisters go by their names, others by their ids; what came before the test is left out."""
    network = Telling(Capability.LOG_STREAM)
    network.print(ONE, "early")
    metrics = metrics_of(network)
    network.print(ONE, "hello")
    network.print(OTHER, "there")
    assert metrics.log() == f"counter: hello\n{OTHER}: there"


def test_long_logs_are_cut_at_their_beginning():
    """Of very many lines the last are shown, the others counted."""
    network = Telling(Capability.LOG_STREAM)
    metrics = metrics_of(network)
    for number in range(250):
        network.print(ONE, number)
    assert metrics.log().splitlines()[:2] == ["… 50 earlier lines …", "counter: 50"]


def test_without_a_stream_the_logs_of_known_canisters_are_read():
    """A network that keeps a log for each canister is asked for those of the test; a refusal is shown."""
    metrics = metrics_of(Telling(Capability.LOGS), {**NAMES, OTHER: "secret"})
    assert metrics.log() == "counter: kept\nsecret: the log cannot be read: not a controller"


@pytest.mark.parametrize("ask", [CallMetrics.log, CallMetrics.uses])
def test_a_network_that_tells_nothing_is_not_asked(ask):
    """Without logs and metrics nothing is shown and nothing fails."""
    assert not ask(metrics_of(Telling()))


def test_costs_are_put_together_by_method():
    """Calls and queries of one method are apart; what a balance lost counts, traps are counted."""
    network = Telling(Capability.METRICS)
    network.cost(ONE, "early", 1)
    metrics = metrics_of(network)
    network.cost(ONE, "add", 10, cycles=-5)
    network.cost(ONE, "add", 30, cycles=-7, trapped=True)
    network.cost(ONE, "add", 2, query=True)
    assert [use.plain() for use in metrics.uses()] == [
        ["counter", "add", False, [10, 30], 12, 1],
        ["counter", "add", True, [2], 0, 0],
    ]
