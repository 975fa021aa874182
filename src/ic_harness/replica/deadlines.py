"""What ends by time or by silence: best-effort calls, and canisters that wait to be stopped.

Interface specification, "Bounded-wait calls" and "Stopping a canister". An index keeps the times, so that a
round without deadlines costs nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ic_harness.replica import rejects
from ic_harness.replica.config import STOP_TIMEOUT
from ic_harness.replica.effects import Answered
from ic_harness.replica.world import Canister, Replied, Response, Status

if TYPE_CHECKING:
    from ic_harness.replica.scheduler import Scheduler

# Candid's empty argument list, the reply of stop_canister.
_NOTHING = b"DIDL\0\0"

STOP_REQUEST = -1
"""The number that stands for a canister's stop requests in the index, where calls have positive numbers."""


class Deadlines:
    """An index of times: (when, canister, number of the call or `STOP_REQUEST`)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, bytes, int]] = []
        self._known: set[tuple[bytes, int]] = set()

    def note(self, canister: Canister) -> None:
        """Take in the deadlines of a canister's calls."""
        for number, call in canister.calls.items():
            if call.deadline_ns:
                self.add(call.deadline_ns, canister.id, number)

    def add(self, when_ns: int, canister_id: bytes, number: int) -> None:
        """Add one time; it is kept once however often it is added."""
        if (canister_id, number) not in self._known:
            self._known.add((canister_id, number))
            heapq.heappush(self._heap, (when_ns, canister_id, number))

    def due(self, now_ns: int) -> list[tuple[bytes, int]]:
        """Take out everything whose time has come."""
        out = []
        while self._heap and self._heap[0][0] <= now_ns:
            _, canister_id, number = heapq.heappop(self._heap)
            self._known.discard((canister_id, number))
            out.append((canister_id, number))
        return out

    def next_ns(self) -> int | None:
        """The earliest time, None when there is none."""
        return self._heap[0][0] if self._heap else None


def index(canisters: Iterable[Canister]) -> Deadlines:
    """Make the index of a whole world."""
    deadlines = Deadlines()
    for canister in canisters:
        deadlines.note(canister)
        for _, since in canister.stop_waiters:
            deadlines.add(since + STOP_TIMEOUT, canister.id, STOP_REQUEST)
    return deadlines


def expire(scheduler: Scheduler, canister_id: bytes, number: int) -> None:
    """Give up one best-effort call, or the stop requests that waited too long."""
    canister = scheduler.world.canisters.get(canister_id)
    if canister is None:
        return
    if number == STOP_REQUEST:
        _expire_stops(scheduler, canister)
    elif number in canister.calls:
        # The cycles are lost with the late answer, as the specification has it for bounded waits.
        canister.queue.append(Response(to=canister_id, call=number, answer=rejects.deadline_expired()))
        scheduler.ready.add(canister_id)
        scheduler.touch(canister)


def _expire_stops(scheduler: Scheduler, canister: Canister) -> None:
    now = scheduler.world.time_ns
    for request, since in canister.stop_waiters:
        if since + STOP_TIMEOUT <= now:
            scheduler.leaving.append(Answered(request.origin, rejects.stop_timed_out(), request.cycles))
        else:
            scheduler.expiring.add(since + STOP_TIMEOUT, canister.id, STOP_REQUEST)
    canister.stop_waiters = [(r, since) for r, since in canister.stop_waiters if since + STOP_TIMEOUT > now]
    scheduler.touch(canister)


def settle_stops(scheduler: Scheduler, stopping: Iterable[bytes]) -> None:
    """Stop those canisters that have no open call context, and answer everybody who asked."""
    for canister_id in sorted(stopping):
        canister = scheduler.world.canisters[canister_id]
        # Calls in the queue are refused in the next turn; an answer there still has its context open.
        if canister.contexts or canister.calls:
            continue
        canister.status = Status.STOPPED
        canister.version += 1
        for request, _ in canister.stop_waiters:
            scheduler.leaving.append(Answered(request.origin, Replied(_NOTHING), request.cycles))
        canister.stop_waiters.clear()
        scheduler.stopping.discard(canister_id)
        scheduler.watch(canister)
        scheduler.touch(canister)
