"""A hook that names every message: by what it is, for people, and by what caused it, to find it in other orders.

The id of a call from outside is its caller and a number (`alice.1`). A call that message M makes is `M/1`, `M/2`, …;
the callback for its answer has the id of the call and `>`: `alice.1/1>` is the callback for the first call that
`alice.1` made. So a message has the same id in every order in which the same things happen.

The label counts messages of one kind and method in the order in which they run: `reply 2 of ledger.transfer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.rounds.message_hook import (
    Intervention,
    MessageEnd,
    MessageHook,
    MessageKind,
    MessageStep,
    ReadyMessage,
)
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    FromCanister,
    FromPythonApi,
    Message,
    Origin,
    Request,
)

_TASKS: Final = {"global_timer": "timer", "on_low_wasm_memory": "low-memory hook"}


@dataclass(frozen=True, slots=True)
class TrackedMessage:
    """A message with its names. `canister` are the bytes of the principal of the one that runs it."""

    id: str
    label: str
    canister: bytes
    kind: MessageKind
    caller: bytes
    """Who called, of a request: the bytes of a principal."""
    from_canister: bool = False
    """Whether it is a request of a canister."""
    bounded: bool = False
    """Whether it answers a call with bounded wait, which may be rejected although the callee has run."""
    what: str = ""
    """The method, or `reply of` and the method."""

    @property
    def text(self) -> str:
        """The id and what it is."""
        return f"{self.id} {self.what}"


class TrackingHook(MessageHook):
    """Names messages; override `pick`, `intervene` and `ended`. `names` are those of canisters, by their bytes.

    A round ends when a call from outside was answered, so that its caller can go on before the next message.
    """

    def __init__(self, names: Mapping[bytes, str]) -> None:
        self._names = names
        self._counts: Counter[tuple[str, str]] = Counter()
        self._outside: dict[Origin, str] = {}
        self._calls: dict[tuple[bytes, int], tuple[str, str, bool]] = {}
        self._tasks: Counter[str] = Counter()
        self._current: TrackedMessage | None = None
        self._pausing = False
        self.abandoned = ""
        """Why the run should be left, "" while it goes on."""

    def begins(self, origin: Origin, name: str) -> None:
        """Name a call from outside before it is in a queue."""
        self._outside[origin] = name

    # --- for subclasses -------------------------------------------------------------------------------------

    def pick(self, ready: Sequence[TrackedMessage]) -> int | None:
        """Choose as `MessageHook.choose` does."""
        del ready
        return 0

    def intervene(self, message: TrackedMessage) -> Intervention | None:
        """Say what happens in place of the message; None to run it."""
        del message
        return None

    def ended(self, message: TrackedMessage, end: MessageEnd, caused: Sequence[str]) -> None:
        """Look at how a message ended; `caused` are the ids of messages that could not run before."""

    # --- the hook -------------------------------------------------------------------------------------------

    def choose(self, ready: Sequence[ReadyMessage]) -> int | None:
        """Let `pick` choose, or end the round for a caller that was answered."""
        if self._pausing:
            self._pausing = False
            return None
        return self.pick([self.describe(one.canister, one.message) for one in ready])

    def before(self, step: MessageStep) -> Intervention | None:
        """Name the message and ask `intervene`."""
        if step.message is None:
            self._current = self._task(step)
        else:
            self._current = self.describe(step.canister, step.message)
        return self.intervene(self._current)

    def after(self, step: MessageStep, end: MessageEnd) -> None:
        """Count the message and name what it sent."""
        message = self._current
        assert message is not None, "bug: a message ended that did not begin"
        if step.message is None:
            self._tasks[message.id.rpartition(".")[0]] += 1
        self._counts[_kind(message.kind), message.what] += 1
        calls, caused = 0, []
        for item in end.outputs:
            origin = item.origin
            if isinstance(item, Request) and isinstance(origin, FromCanister):
                calls += 1
                id_ = f"{message.id}/{calls}"
                known = (id_, self._method(item), item.deadline_ns > 0)
                self._calls[origin.canister, origin.call] = known
                caused.append(id_)
            elif isinstance(origin, FromCanister):
                if (origin.canister, origin.call) in self._calls:
                    caused.append(self._calls[origin.canister, origin.call][0] + ">")
            elif origin in self._outside:
                self._pausing = True
                caused.append(_next(self._outside[origin]))
        self.ended(message, end, caused)

    def describe(self, canister: bytes, message: Message) -> TrackedMessage:
        """Name a message that waits."""
        if isinstance(message, Request):
            return self._request(canister, message)
        id_, method, bounded = self._calls.get((message.to, message.call), ("earlier", "a call", False))
        what = f"reply of {method}"
        return TrackedMessage(
            id=f"{id_}>",
            label=self._label("reply", method, what),
            canister=canister,
            kind=MessageKind.REPLY,
            caller=b"",
            bounded=bounded,
            what=what,
        )

    def _request(self, canister: bytes, message: Request) -> TrackedMessage:
        origin, method = message.origin, self._method(message)
        if isinstance(origin, FromCanister):
            id_ = self._calls.get((origin.canister, origin.call), ("earlier", "", False))[0]
        else:
            number = origin.ticket if isinstance(origin, FromPythonApi) else 0
            id_ = self._outside.get(origin, f"outside.{number}")
        return TrackedMessage(
            id=id_,
            label=self._label("request", method, method),
            canister=canister,
            kind=MessageKind.REQUEST,
            caller=message.caller,
            from_canister=isinstance(origin, FromCanister),
            what=method,
        )

    def _task(self, step: MessageStep) -> TrackedMessage:
        task = _TASKS.get(step.method, step.method)
        what = f"{task} of {self.name_of(step.canister)}"
        return TrackedMessage(
            id=f"{what}.{self._tasks[what] + 1}",
            label=self._label(task, self.name_of(step.canister), what, kind=MessageKind.TASK),
            canister=step.canister,
            kind=MessageKind.TASK,
            caller=b"",
            what=what,
        )

    def _label(self, word: str, of: str, what: str, kind: MessageKind | None = None) -> str:
        counted = _kind(kind or (MessageKind.REQUEST if word == "request" else MessageKind.REPLY))
        return f"{word} {self._counts[counted, what] + 1} of {of}"

    def _method(self, request: Request) -> str:
        return f"{self.name_of(request.callee)}.{request.method}"

    def name_of(self, canister: bytes) -> str:
        """Return the name of a canister, its principal where it has none."""
        if canister == MANAGEMENT:
            return "aaaaa-aa"
        return self._names.get(canister) or Principal(canister).to_text()


def management_call(number: int, sender: bytes, method: str, arg: bytes) -> Request:
    """A call for `MessageHook.between` whose answer goes nowhere; `number` counts them from 1."""
    return Request(origin=FromPythonApi(-number), caller=sender, callee=MANAGEMENT, method=method, arg=arg)


def _kind(kind: MessageKind) -> str:
    return "reply" if kind in {MessageKind.REPLY, MessageKind.REJECT} else kind.value


def _next(name: str) -> str:
    """The id of the call that a caller makes after `name`."""
    caller, _, number = name.rpartition(".")
    return f"{caller}.{int(number) + 1}"
