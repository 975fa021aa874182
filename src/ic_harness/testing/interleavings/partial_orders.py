"""Which orders of messages have to be tried: dynamic partial-order reduction with sleep sets.

Theory of operation. Two messages are dependent when the same canister runs them; messages of different canisters may be
swapped without changing anything, since a canister sees nothing but its own messages. Each run is one path: at every
point one of the messages that could run was chosen. After a run each pair of neighbours on the same canister of which
the later one was not caused by the earlier is a race: the point where the earlier one was chosen gets the later one, or
what led to it, as another branch (dynamic partial-order reduction, Flanagan and Godefroid 2005). A branch that was
explored sleeps in the other branches of its point until a dependent message has run: before that it would only repeat
orders (sleep sets, Godefroid 1996).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from ic_harness.lazy_dataclass import dataclass


@dataclass(slots=True)
class Point:
    """A point of the present path. Messages are ids; `ready` has the canister that runs each."""

    ready: Mapping[str, bytes]
    chosen: str
    sleeping: dict[str, bytes] = field(default_factory=dict)
    branches: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Event:
    """A message that ran at a point, and the places in the run of those that had to come before it."""

    id: str
    canister: bytes
    causes: frozenset[int]


class PartialOrders:
    """The tree of orders, depth first. `choose` at each point of a run, `finish` after it, until `open` is false."""

    def __init__(self) -> None:
        self._path: list[Point] = []
        self._depth = 0
        self.open = True
        """Whether there are orders left to try."""

    def begin(self) -> None:
        """Begin a run."""
        self._depth = 0

    def choose(self, ready: Mapping[str, bytes]) -> str | None:
        """Return which message runs next; None where every one would repeat an order, and the run can be left."""
        if self._depth < len(self._path):
            point = self._path[self._depth]
            self._depth += 1
            return point.chosen
        sleeping = self._sleeping()
        chosen = next((one for one in ready if one not in sleeping), None)
        if chosen is None:
            return None
        self._path.append(Point(dict(ready), chosen, sleeping, {chosen}))
        self._depth += 1
        return chosen

    def _sleeping(self) -> dict[str, bytes]:
        """What sleeps after the last point: branches that are done and sleepers, unless the chosen one wakes them."""
        if not self._path:
            return {}
        last = self._path[-1]
        asleep = {**last.sleeping, **{one: last.ready[one] for one in last.done}}
        return {one: canister for one, canister in asleep.items() if canister != last.ready[last.chosen]}

    def finish(self, events: Sequence[Event]) -> None:
        """Add the branches that the races of a run ask for, and go to the next order."""
        before = _happened_before(events)
        for place in range(min(len(events), len(self._path))):
            self._race(events, before, place)
        self._next()

    def _race(self, events: Sequence[Event], before: Sequence[int], place: int) -> None:
        event = events[place]
        earlier = next((it for it in range(place - 1, -1, -1) if events[it].canister == event.canister), None)
        if earlier is None or _caused(before, event) >> earlier & 1:
            return
        point = self._path[earlier]
        causes = _caused(before, event)
        initials = [
            events[it].id
            for it in range(earlier + 1, place)
            if causes >> it & 1 and events[it].id in point.ready
        ]
        if event.id in point.ready:
            initials.insert(0, event.id)
        if not initials:
            point.branches.update(point.ready)
        elif not point.branches & set(initials):
            point.branches.add(initials[0])

    def _next(self) -> None:
        while self._path:
            point = self._path[-1]
            point.done.add(point.chosen)
            left = [
                one
                for one in point.ready
                if one in point.branches and one not in point.done and one not in point.sleeping
            ]
            if left:
                point.chosen = left[0]
                return
            self._path.pop()
        self.open = False


def _happened_before(events: Sequence[Event]) -> list[int]:
    """For each event the set of events before it, itself included, as bits: by cause, or on the same canister."""
    known: list[int] = []
    last: dict[bytes, int] = {}
    for place, event in enumerate(events):
        bits = 1 << place
        for cause in event.causes:
            bits |= known[cause]
        if event.canister in last:
            bits |= known[last[event.canister]]
        known.append(bits)
        last[event.canister] = place
    return known


def _caused(before: Sequence[int], event: Event) -> int:
    bits = 0
    for cause in event.causes:
        bits |= before[cause]
    return bits
