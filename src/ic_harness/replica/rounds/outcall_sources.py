"""Sources of responses to HTTPS outcalls.

Interface specification, "Method http_request". A source is told of an outcall when it begins; the scheduler takes
the answer in the first round in which there is one. Numbers of outcalls are never used twice, except after the
network was put back to a snapshot, which calls `replaced`.

This file opens no connection: sources that make requests belong to the networks above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.rejects import SYS_FATAL, SYS_TRANSIENT
from ic_harness.replica.state.replicated_state import Outcall


@dataclass(frozen=True, slots=True)
class OutcallResponse:
    """A response of a web server: status, headers as (name, value), body in bytes."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class OutcallFailure:
    """No response: reject code 1 (`SYS_FATAL`) or 2 (`SYS_TRANSIENT`) and the text."""

    message: str
    code: int = SYS_TRANSIENT


OutcallAnswer: TypeAlias = OutcallResponse | OutcallFailure


class OutcallSource(Protocol):
    """Answers outcalls. `begin` and `reset` must return at once; all methods are called by the owner of the state."""

    def begin(self, outcall: Outcall) -> None:
        """An outcall is under way."""

    def answered(self) -> list[int]:
        """The numbers of outcalls whose answer can be taken now, in order."""

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """The answers that the nodes of the subnet got: one, where all got the same."""

    def forget(self, number: int) -> None:
        """The outcall is over: answered, or given up."""

    def working(self) -> bool:
        """Whether answers will come by themselves: callers may wait for them."""

    def replaced(self) -> None:
        """Forget every outcall: the network's state is replaced."""


class ImmediateOutcalls:
    """A source that decides by a function which never blocks."""

    def __init__(self, decide: Callable[[Outcall], tuple[OutcallAnswer, ...]]) -> None:
        self._decide = decide
        self._waiting: dict[int, Outcall] = {}
        self._decided: dict[int, tuple[OutcallAnswer, ...]] = {}

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        self._waiting[outcall.number] = outcall

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return list(self._waiting)

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`. Decides once for each outcall."""
        if number not in self._decided:
            self._decided[number] = self._decide(self._waiting[number])
        return self._decided[number]

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        self._waiting.pop(number, None)
        self._decided.pop(number, None)

    def working(self) -> bool:
        """See `OutcallSource`."""
        return False

    def replaced(self) -> None:
        """See `OutcallSource`."""
        self._waiting.clear()
        self._decided.clear()


class RefusingOutcalls(ImmediateOutcalls):
    """Refuses every outcall by name: a test must not depend on other machines unless it says so."""

    def __init__(self) -> None:
        super().__init__(lambda outcall: (refused(outcall),))


def refused(outcall: Outcall) -> OutcallFailure:
    """The answer to an outcall that nothing was prepared for."""
    return OutcallFailure(
        f"HTTPS outcalls are not made by this network: {outcall.method} {outcall.url} was refused. Answer it with "
        "network.outcalls.when(method, url).reply(status, body), or let requests leave with network.outcalls.live()",
        SYS_FATAL,
    )
