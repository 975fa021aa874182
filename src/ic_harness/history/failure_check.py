"""Replaying a failure: whether the same answers come again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.recording import Answer, Answers, Event, Origin, Query, Refusal, Round

from .failure_file import Failure
from .recorded_calls import RecordedCall, calls_of, is_same
from .replayer import Replayer


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that was answered differently than when it was recorded."""

    call: RecordedCall
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class FailureCheck:
    """What came of a replay: the calls, and those with another answer, in order."""

    calls: tuple[RecordedCall, ...]
    differences: tuple[Difference, ...]

    @property
    def last(self) -> RecordedCall | None:
        """The call before the failure, which a replay must answer the same way; None where no call was made."""
        return self.calls[-1] if self.calls else None

    @property
    def reproduced(self) -> bool:
        """Whether the last call has got the same answer again."""
        last = self.last
        if last is None:
            return True
        changed = [it for it in self.differences if it.call is last]
        return not changed or is_same(changed[0].answer, last.answer)


def check(failure: Failure) -> FailureCheck:
    """Replay a failure on a network of its own. Raises `ReplicaError` when that stops."""
    with Replayer(failure.setup) as replayer:
        answers = replayer.run_all(failure.events)
    calls = calls_of(failure.events)
    found = dict(_answers(failure.events, answers))
    differences = [
        Difference(call, found.get((call.event, call.place)))
        for call in calls
        if found.get((call.event, call.place)) != call.answer
    ]
    return FailureCheck(tuple(calls), tuple(differences))


def _answers(events: Sequence[Event], answers: Sequence[Answers]) -> Iterator[tuple[tuple[int, int], Answer]]:
    """The answers of a replay, by event and place of the calls."""
    by_origin: dict[Origin, Answer] = {origin: answer for found in answers for origin, answer in found}
    for index, event in enumerate(events):
        match event:
            case Round():
                for place, call in enumerate(event.calls):
                    answer = by_origin.get(call.request.origin)
                    if answer is not None:
                        yield (index, place), answer
            case Query() | Refusal() if answers[index]:
                yield (index, 0), answers[index][0][1]
