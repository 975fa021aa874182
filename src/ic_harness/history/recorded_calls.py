"""The calls from outside in a recording, each with its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.recording import (
    Answer,
    Event,
    Origin,
    Query,
    Refusal,
    Rejected,
    Replied,
    Request,
    Round,
)

_NUMBERS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A call from outside: `number` counts from 1; `event` and `place` are where it is in the recording.

    `kind` is `update`, `query` or `refused` (by the ingress filter). `answer` is None when there was none in time.
    """

    number: int
    event: int
    place: int
    kind: str
    time_ns: int
    request: Request
    answer: Answer | None

    @property
    def caller(self) -> Principal:
        """The principal that called."""
        return Principal(self.request.caller)

    @property
    def canister(self) -> Principal:
        """The canister that was called; `aaaaa-aa` for the management canister."""
        return Principal(self.request.callee)


def calls_of(events: Sequence[Event]) -> list[RecordedCall]:
    """Return the calls in a recording, in the order in which the network took them in."""
    answers: dict[Origin, Answer] = {
        origin: answer for event in events if isinstance(event, Round) for origin, answer in event.answers
    }
    found: list[RecordedCall] = []

    def add(event: int, place: int, kind: str, time_ns: int, request: Request, answer: Answer | None) -> None:
        found.append(
            RecordedCall(
                number=len(found) + 1,
                event=event,
                place=place,
                kind=kind,
                time_ns=time_ns,
                request=request,
                answer=answer,
            )
        )

    for index, event in enumerate(events):
        match event:
            case Round():
                for place, call in enumerate(event.calls):
                    answer = answers.get(call.request.origin)
                    add(index, place, "update", event.now_ns, call.request, answer)
            case Query():
                add(index, 0, "query", event.now_ns, event.request, event.answer)
            case Refusal():
                add(index, 0, "refused", event.now_ns, event.request, event.answer)
    return found


def is_same(answer: Answer | None, other: Answer | None) -> bool:
    """Whether two answers mean the same failure: equal replies, or equal rejects but for numbers in the text."""
    if isinstance(answer, Rejected) and isinstance(other, Rejected):
        return (
            answer.code == other.code
            and answer.error_code == other.error_code
            and _NUMBERS.sub("0", answer.message) == _NUMBERS.sub("0", other.message)
        )
    return answer == other


def described(answer: Answer | None) -> str:
    """Return an answer in words: `replied with 12 bytes 4449444c…`, `rejected, IC0503: …`."""
    match answer:
        case Replied(data):
            start = data[:16].hex() + ("…" if len(data) > 16 else "")
            return f"replied with {len(data):,} bytes {start}".rstrip()
        case Rejected():
            return f"rejected, {answer.error_name}: {answer.message}"
        case None:
            return "no answer"
