"""The shortest list of calls that still fails: delta debugging over the inputs of a failure.

A candidate leaves out some of the calls and rounds. It fails when its last call is answered as when the failure was
recorded: an equal reply, or a reject that is equal but for numbers in its text. Candidates run on one network; what
they have in common with an earlier one is not run again but taken from a snapshot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from ic_harness.errors import InputError, ReplicaError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica import NetworkSnapshot
from ic_harness.replica.recording import Answer, Event, PutBack, Query, Refusal, Round, without_calls

from .failure_file import Failure
from .recorded_calls import RecordedCall, calls_of, is_same
from .replayer import Replayer

TRIES: Final = 5_000
SECONDS: Final = 60.0
_LATE_ROUNDS: Final = 20
"""Rounds that run after a candidate whose last call is not answered yet."""
_SNAPSHOTS: Final = 24
_APART: Final = 8
"""Events between two snapshots on the way of a candidate."""
_ROUND: Final = -1

Unit: TypeAlias = tuple[int, int]
"""What can be left out: the event, and the place of a call in it, or -1 for a round that has no calls left."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The result: the shorter failure, its calls before and after, and the candidates that were tried.

    `complete` is whether no call can be left out any more; without, the bounds of tries or time ended the search.
    """

    failure: Failure
    calls_before: int
    calls_after: int
    tries: int
    complete: bool


def shrink(failure: Failure, *, tries: int = TRIES, seconds: float = SECONDS) -> Shrunk:
    """Find the shortest list of calls that still fails, within so many tries and seconds.

    Raises `InputError` for a failure without calls, and one that does not fail again when it is replayed.
    """
    calls = calls_of(failure.events)
    if not calls:
        raise InputError("the failure has no calls: there is nothing to leave out")
    with Replayer(failure.setup) as replayer:
        search = _Search(failure, calls[-1], replayer, tries, time.monotonic() + seconds)
        kept = search.run()
        answered = search.recorded(kept)
    shorter = replace(failure, events=answered)
    return Shrunk(shorter, len(calls), len(calls_of(answered)), search.tries, not search.is_over())


class _Search:
    def __init__(
        self, failure: Failure, last: RecordedCall, replayer: Replayer, tries: int, deadline: float
    ) -> None:
        self._events = failure.events[: _end(failure.events, last)]
        self._last = last
        self._runs = _CandidateRuns(replayer, last)
        self._most = tries
        self._deadline = deadline
        self.tries = 0

    def is_over(self) -> bool:
        return self.tries >= self._most or time.monotonic() > self._deadline

    def run(self) -> frozenset[Unit]:
        everything = frozenset(self._units())
        if not self._fails(everything):
            raise InputError(
                "the failure cannot be shortened: its last call is answered differently when it is replayed"
            )
        kept = self._without(everything, [unit for unit in everything if self._reads(unit)])
        kept = self._without(kept, [unit for unit in kept if unit[1] == _ROUND])
        kept = self._minimal(kept, lambda unit: unit[1] != _ROUND)
        return self._minimal(kept, lambda unit: unit[1] == _ROUND)

    def recorded(self, kept: frozenset[Unit]) -> tuple[Event, ...]:
        """Return the events of a candidate with the answers that it gets."""
        return self._runs.recorded(self._build(kept))

    def _units(self) -> list[Unit]:
        found: list[Unit] = []
        for index, event in enumerate(self._events):
            if isinstance(event, Round):
                found += [(index, place) for place in range(len(event.calls))]
                found.append((index, _ROUND))
            elif not isinstance(event, PutBack):
                found.append((index, 0))
        return [unit for unit in found if unit != (self._last.event, self._last.place)]

    def _reads(self, unit: Unit) -> bool:
        return isinstance(self._events[unit[0]], Query | Refusal)

    def _build(self, kept: frozenset[Unit]) -> tuple[tuple[int, Event], ...]:
        """Return the events of a candidate, each with its number in the recording."""
        places: dict[int, set[int]] = {self._last.event: {self._last.place}}
        for number, place in kept:
            places.setdefault(number, set()).add(place)
        built: list[tuple[int, Event]] = []
        for index, event in enumerate(self._events):
            if isinstance(event, PutBack):
                built.append((index, event))
            elif index in places:
                shown = without_calls(event, places[index]) if isinstance(event, Round) else event
                built.append((index, shown))
        return tuple(built)

    def _fails(self, kept: frozenset[Unit]) -> bool:
        self.tries += 1
        return is_same(self._runs.answer(self._build(kept)), self._last.answer)

    def _without(self, kept: frozenset[Unit], units: Sequence[Unit]) -> frozenset[Unit]:
        """Leave units out if it still fails without all of them."""
        smaller = kept - frozenset(units)
        return smaller if smaller != kept and not self.is_over() and self._fails(smaller) else kept

    def _minimal(self, kept: frozenset[Unit], which: Callable[[Unit], bool]) -> frozenset[Unit]:
        """Leave out parts of the units that are chosen: halves, then smaller parts, until no single one can go."""
        parts = 2
        while units := sorted(unit for unit in kept if which(unit)):
            size = -(-len(units) // parts)
            smaller = kept
            # From the end: what comes before a part is then the same for the next candidate.
            for start in reversed(range(0, len(units), size)):
                smaller = self._without(smaller, units[start : start + size])
            if self.is_over() or (size == 1 and smaller == kept):
                return smaller
            parts = parts if smaller != kept else min(2 * parts, len(units))
            kept = smaller
        return kept


class _CandidateRuns:
    """Runs candidates on one network, each from the longest beginning of which there is a snapshot."""

    def __init__(self, replayer: Replayer, last: RecordedCall) -> None:
        self._replayer = replayer
        self._last = last
        self._snapshots: list[tuple[tuple[tuple[int, Event], ...], NetworkSnapshot]] = [
            ((), replayer.snapshot())
        ]

    def answer(self, events: tuple[tuple[int, Event], ...]) -> Answer | None:
        """Run a candidate; returns the answer of the last call, None when there is none."""
        begun, snapshot = max(
            (it for it in self._snapshots if events[: len(it[0])] == it[0]), key=lambda it: len(it[0])
        )
        self._replayer.restore(snapshot)
        try:
            return self._run(events, len(begun))
        except ReplicaError:
            return None  # of a network that cannot go on, such as one whose clock would go back

    def _run(self, events: tuple[tuple[int, Event], ...], begin: int) -> Answer | None:
        origin = self._last.request.origin
        for index in range(begin, len(events)):
            if index > begin and index % _APART == 0:
                self._keep(events[:index])
            for answered, answer in self._replayer.run(events[index][1]):
                if answered == origin:
                    return answer
        for _ in range(_LATE_ROUNDS if self._last.kind == "update" else 0):
            for answered, answer in self._replayer.run(self._late(events)):
                if answered == origin:
                    return answer
        return None

    def _late(self, events: tuple[tuple[int, Event], ...]) -> Round:
        times = [event.now_ns for _, event in events if isinstance(event, Round)]
        return Round(now_ns=max(times, default=self._last.time_ns), kind="TICK", heartbeats=False)

    def _keep(self, begun: tuple[tuple[int, Event], ...]) -> None:
        if any(it[0] == begun for it in self._snapshots):
            return
        if len(self._snapshots) >= _SNAPSHOTS:
            self._snapshots.pop(1)[1].close()
        self._snapshots.append((begun, self._replayer.snapshot()))

    def recorded(self, events: tuple[tuple[int, Event], ...]) -> tuple[Event, ...]:
        """Run a candidate from the start and return its events with the answers that it gets."""
        self._replayer.restore(self._snapshots[0][1])
        found: list[Event] = []
        waiting = {
            call.request.origin for _, event in events if isinstance(event, Round) for call in event.calls
        }
        for _, event in events:
            found.append(self._with_answers(event))
            waiting -= {origin for origin, _ in _answered(found[-1])}
        late = self._late(events)
        for _ in range(_LATE_ROUNDS):
            if not waiting or self._last.kind != "update":
                break
            found.append(self._with_answers(late))
            waiting -= {origin for origin, _ in _answered(found[-1])}
        return tuple(found)

    def _with_answers(self, event: Event) -> Event:
        answers = self._replayer.run(event)
        match event:
            case Round():
                return replace(event, answers=answers)
            case Query() if answers:
                return replace(event, answer=answers[0][1])
            case _:
                return event


def _answered(event: Event) -> tuple[tuple[object, Answer], ...]:
    return event.answers if isinstance(event, Round) else ()


def _end(events: Sequence[Event], last: RecordedCall) -> int:
    """The number of events up to the answer of the last call."""
    origin = last.request.origin
    for index in range(last.event, len(events)):
        event = events[index]
        if isinstance(event, Round) and any(answered == origin for answered, _ in event.answers):
            return index + 1
    return last.event + 1
