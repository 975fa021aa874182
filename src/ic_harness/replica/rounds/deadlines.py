"""When something ends by itself: an index of times, so that a round without deadlines costs nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from ic_harness.replica.state.config import STOP_TIMEOUT
from ic_harness.replica.state.replicated_state import Canister

STOP_REQUEST = -1
"""The number of a canister's stop requests in the index, where calls have positive numbers."""


class Deadlines:
    """An index of times: (when, canister, number of the call or `STOP_REQUEST`)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, bytes, int]] = []
        self._known: set[tuple[bytes, int]] = set()
        self.earliest_ns: int | None = None
        """The earliest time, None when there is none."""

    def note(self, canister: Canister) -> None:
        """Take in the deadlines of a canister's calls."""
        for number, call in canister.calls.items():
            if call.deadline_ns:
                self.add(call.deadline_ns, canister.id, number)

    def note_stops(self, canister: Canister) -> None:
        """Take in when the requests to stop a canister are given up."""
        for _, since in canister.stop_waiters:
            self.add(since + STOP_TIMEOUT, canister.id, STOP_REQUEST)

    def add(self, when_ns: int, canister_id: bytes, number: int) -> None:
        """Add one time; it is kept once however often it is added."""
        if (canister_id, number) not in self._known:
            self._known.add((canister_id, number))
            heapq.heappush(self._heap, (when_ns, canister_id, number))
            self.earliest_ns = self._heap[0][0]

    def due(self, now_ns: int) -> list[tuple[bytes, int]]:
        """Take out everything whose time has come."""
        out = []
        while self._heap and self._heap[0][0] <= now_ns:
            _, canister_id, number = heapq.heappop(self._heap)
            self._known.discard((canister_id, number))
            out.append((canister_id, number))
        self.earliest_ns = self._heap[0][0] if self._heap else None
        return out


def index(canisters: Iterable[Canister]) -> Deadlines:
    """Return the index of all canisters."""
    deadlines = Deadlines()
    for canister in canisters:
        deadlines.note(canister)
        deadlines.note_stops(canister)
    return deadlines
