"""One source of responses to HTTPS outcalls, shared by the subnets of a network.

Numbers of outcalls differ between subnets, so one source serves all; each subnet sees its own only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.outcall_sources import OutcallAnswer, OutcallSource
from ic_harness.replica.state.replicated_state import Outcall


class SubnetOutcalls:
    """What one subnet sees of a source.

    State is replaced, and a source taken, for all subnets at once, the root first: only the root's view resets the
    source.
    """

    def __init__(self, source: OutcallSource, *, is_root: bool) -> None:
        self._source = source
        self._is_root = is_root
        self._own: set[int] = set()

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        self._own.add(outcall.number)
        self._source.begin(outcall)

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return [number for number in self._source.answered() if number in self._own]

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        return self._source.answers(number)

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        self._own.discard(number)
        self._source.forget(number)

    def working(self) -> bool:
        """See `OutcallSource`."""
        return self._source.working()

    def replaced(self) -> None:
        """See `OutcallSource`."""
        self._own.clear()
        if self._is_root:
            self._source.replaced()


def take_source(nodes: Sequence[Node], source: OutcallSource) -> None:
    """Let `source` answer the outcalls of all subnets, also those that are under way; for commands of the runner."""
    for node in nodes:
        node.scheduler.take_source(SubnetOutcalls(source, is_root=node.subnet.is_root))
