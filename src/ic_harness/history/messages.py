"""The messages of a replay: what the canisters of a network executed, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica import MessageEnd, MessageHook, MessageStep
from ic_harness.replica.recording import (
    MANAGEMENT,
    Answer,
    FromCanister,
    Origin,
    Replied,
    Request,
    Response,
)


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call that a message made: the callee, its method, the argument, and its number at the calling canister."""

    callee: Principal
    method: str
    arg: bytes
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that a canister executed, or a call of a user to the management canister.

    `kind` is `request`, `reply`, `reject`, `task` or `management`; `caller` is the canister that answered for the
    callbacks `reply` and `reject`, None for a task. `arg` is the argument of a request, and the reply that a callback
    got. `context` is the call context that a callback continues and `call` the call that was answered, 0 otherwise.
    `answers` are the replies and rejects that the message gave, each with the canister or user that called.
    `cycles` is by how much the balance changed. Times are ns since 1970.
    """

    number: int
    event: int
    time_ns: int
    canister: Principal
    kind: str
    method: str
    caller: Principal | None
    arg: bytes = b""
    trap: str | None = None
    instructions: int = 0
    cycles: int = 0
    context: int = 0
    call: int = 0
    calls: tuple[MadeCall, ...] = ()
    answers: tuple[tuple[Principal | None, Answer], ...] = ()


class Visit(Protocol):
    """Is called at each message of a replay, by its number."""

    def __call__(self, number: int, *, after: bool) -> None:
        """See a message before or after it ran."""


class Place:
    """Where a replay is: the event that runs, the network's time, and the messages so far."""

    def __init__(self) -> None:
        self.event = 0
        self.time_ns = 0
        self.number = 0


class MessageWatch(MessageHook):
    """Sees the messages of a replay in the order in which rounds run them, and changes nothing.

    `visit(number, after=…)` is called before and after each message; `ended` takes each message.
    """

    chooses = False

    def __init__(
        self,
        place: Place,
        visit: Visit,
        ended: Callable[[Message], None],
    ) -> None:
        self._place = place
        self._visit = visit
        self._ended = ended
        self._users: dict[Origin, Principal] = {}

    def before(self, step: MessageStep) -> None:
        """See `MessageHook`."""
        message = step.message
        if isinstance(message, Request) and not isinstance(message.origin, FromCanister):
            self._users[message.origin] = Principal(message.caller)
        self._visit(self._place.number, after=False)

    def after(self, step: MessageStep, end: MessageEnd) -> None:
        """See `MessageHook`."""
        place = self._place
        self._visit(place.number, after=True)
        calls = tuple(
            MadeCall(Principal(item.callee), item.method, item.arg, item.origin.call)
            for item in end.outputs
            if isinstance(item, Request) and isinstance(item.origin, FromCanister)
        )
        given = [item for item in end.outputs if not isinstance(item, Request)]
        self._ended(
            Message(
                number=place.number,
                event=place.event,
                time_ns=place.time_ns,
                canister=Principal(step.canister),
                kind=step.kind.value,
                method=step.method,
                caller=Principal(step.caller) if step.message is not None else None,
                arg=_content(step),
                trap=end.trap,
                instructions=end.instructions,
                cycles=end.cycles,
                context=step.context,
                call=step.call,
                calls=calls,
                answers=tuple((self._asker(item.origin), item.answer) for item in given),
            )
        )
        place.number += 1

    def _asker(self, origin: Origin) -> Principal | None:
        """The canister or user that an answer goes to; None for a task."""
        return Principal(origin.canister) if isinstance(origin, FromCanister) else self._users.get(origin)


def _content(step: MessageStep) -> bytes:
    match step.message:
        case Request():
            return step.message.arg
        case Response(answer=Replied(data)):
            return data
        case Response():
            return b""
        case None:
            return b""


def management_messages(place: Place, requests: list[tuple[Request, Answer | None]]) -> list[Message]:
    """Return the calls of users to the management canister in one round, as messages."""
    found = []
    for request, answer in requests:
        if request.callee != MANAGEMENT:
            continue
        found.append(
            Message(
                number=place.number,
                event=place.event,
                time_ns=place.time_ns,
                canister=Principal(MANAGEMENT),
                kind="management",
                method=request.method,
                caller=Principal(request.caller),
                arg=request.arg,
                answers=() if answer is None else ((Principal(request.caller), answer),),
            )
        )
        place.number += 1
    return found


def check_count(count: int, most: int) -> None:
    """Raise `InputError` for more messages than a history has."""
    if count > most:
        raise InputError(f"the history has more than {most:,} messages")
