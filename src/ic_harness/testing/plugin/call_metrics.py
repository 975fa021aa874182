"""The canister activity of one test: log lines, and the cost of each message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from ic_harness.errors import HarnessError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.text import for_log

_SHOWN: Final = 200
"""The most lines of a canister log that are shown; earlier ones are counted."""


@dataclass(slots=True)
class MethodMetrics:
    """The cost of one method in one test: instructions of each call, cycles of all, and the number of traps.

    `cycles` is the decrease of the canister's balance.
    """

    canister: str
    method: str
    query: bool
    instructions: list[int] = field(default_factory=list)
    cycles: int = 0
    traps: int = 0

    def plain(self) -> list[Any]:
        """Return the fields as plain values, which pytest-xdist can send between processes."""
        return [self.canister, self.method, self.query, self.instructions, self.cycles, self.traps]


class CallMetrics:
    """Metrics and log lines of a network from now on; `names` has names for canisters, others are shown by id.

    Metrics or log lines that the network cannot provide are left out.
    """

    def __init__(self, network: Network, names: Mapping[Principal, str]) -> None:
        self._network = network
        self._names = names
        self._first_figure = _position(network, Capability.METRICS)
        self._first_line = _position(network, Capability.LOG_STREAM)

    def _name(self, canister: Principal) -> str:
        return self._names.get(canister, str(canister))

    def uses(self) -> list[MethodMetrics]:
        """Return the calls by canister and method, in the order of the first calls."""
        if self._first_figure is None:
            return []
        found: dict[tuple[Principal, str, bool], MethodMetrics] = {}
        for figure in self._network.metrics(self._first_figure)[1]:
            key = (figure.canister, figure.what, figure.query)
            use = found.setdefault(key, MethodMetrics(self._name(figure.canister), figure.what, figure.query))
            use.instructions.append(figure.instructions)
            use.cycles -= figure.cycles
            use.traps += figure.trapped
        return list(found.values())

    @property
    def incomplete(self) -> str:
        """Why `uses` has not every call: the network does not count, or the test made too many; else empty."""
        if self._first_figure is None:
            return f"the network {self._network.name} does not count instructions"
        position, figures = self._network.metrics(self._first_figure)
        lost = position - self._first_figure - len(figures)
        return f"it made {lost:,} calls more than the network remembers" if lost else ""

    def log(self) -> str:
        """Return what canisters printed, with backtraces of traps; empty when there is nothing."""
        lines = self._lines()
        left_out = len(lines) - _SHOWN
        head = [f"… {left_out} earlier lines …"] if left_out > 0 else []
        return "\n".join([*head, *lines[-_SHOWN:]])

    def _lines(self) -> list[str]:
        if self._first_line is not None:
            printed = self._network.log_stream(self._first_line)[1]
            return [for_log(f"{self._name(line.canister)}: {line.text}") for line in printed]
        if Capability.LOGS not in self._network.capabilities:
            return []
        return [line for canister, name in self._names.items() for line in self._log_of(canister, name)]

    def _log_of(self, canister: Principal, name: str) -> list[str]:
        """Read the log that the network keeps of one canister, which may reach back before the test."""
        try:
            return [for_log(f"{name}: {text}") for text in self._network.logs(canister)]
        except HarnessError as error:
            return [f"{name}: the log cannot be read: {error}"]


def _position(network: Network, ability: Capability) -> int | None:
    """Return the current position of the metrics or log stream; None when the network has none."""
    if ability not in network.capabilities:
        return None
    return (network.metrics if ability is Capability.METRICS else network.log_stream)()[0]
