"""What one test made canisters do: what they printed, and what each message cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ic_harness.errors import HarnessError
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.text import for_log

_SHOWN: Final = 200
"""Lines of a canister log that are shown; what came before them is counted."""


@dataclass(slots=True)
class MethodUse:
    """What the calls of one method cost in one test: instructions of each, cycles of all, and how many trapped.

    `cycles` is what the balance lost by them.
    """

    canister: str
    method: str
    query: bool
    instructions: list[int] = field(default_factory=list)
    cycles: int = 0
    traps: int = 0

    def plain(self) -> list[Any]:
        """The same as values that travel between the processes of pytest-xdist."""
        return [self.canister, self.method, self.query, self.instructions, self.cycles, self.traps]


class Watch:
    """Watches a network from now on; `names` says how canisters are called, others go by their id.

    A network that cannot tell costs or lines is asked for what it can tell, and nothing more.
    """

    def __init__(self, network: Network, names: Mapping[Principal, str]) -> None:
        self._network = network
        self._names = names
        self._first_figure = _position(network, Capability.METRICS)
        self._first_line = _position(network, Capability.LOG_STREAM)

    def _name(self, canister: Principal) -> str:
        return self._names.get(canister, str(canister))

    def uses(self) -> list[MethodUse]:
        """Tell what was called, by canister and method, in the order of the first calls."""
        if self._first_figure is None:
            return []
        found: dict[tuple[Principal, str, bool], MethodUse] = {}
        for figure in self._network.metrics(self._first_figure)[1]:
            key = (figure.canister, figure.what, figure.query)
            use = found.setdefault(key, MethodUse(self._name(figure.canister), figure.what, figure.query))
            use.instructions.append(figure.instructions)
            use.cycles -= figure.cycles
            use.traps += figure.trapped
        return list(found.values())

    def log(self) -> str:
        """Tell what canisters printed, and why they trapped with the backtrace; empty when nothing."""
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
    """Where the stream of figures or lines stands; None when the network has none."""
    if ability not in network.capabilities:
        return None
    return (network.metrics if ability is Capability.METRICS else network.log_stream)()[0]
