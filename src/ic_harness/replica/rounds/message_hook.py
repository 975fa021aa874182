"""What a test may see of every message before and after it runs, and what it may change about it.

A `MessageHook` is for tools that sweep failures, explore orders or record a history. It runs on the thread that owns
the state, between messages; it must not call the replica, and an error that it raises stops the replica.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.output_queue import OutputMessage
from ic_harness.replica.state.replicated_state import Message, Rejected, Request


class MessageKind(enum.StrEnum):
    """What is executed."""

    REQUEST = "request"
    REPLY = "reply"
    """The callback for a reply to one of the canister's calls."""
    REJECT = "reject"
    """The callback for a reject of one of the canister's calls."""
    TASK = "task"
    """A timer, a heartbeat or the low-memory hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStep:
    """One message that is about to run.

    `canister` and `caller` are bytes of principals; the caller of a callback is the callee that has answered. `method`
    is the method called, for a callback that of the callee ("" when the call was made before there was a hook), for a
    task its name such as `global_timer`. `context` is the number of the call context that a callback continues, 0
    otherwise; `call` the number of the canister's call that is answered, 0 otherwise.
    """

    number: int
    """Counts the messages since the hook was set, from 0."""
    canister: bytes
    kind: MessageKind
    method: str
    caller: bytes
    message: Message | None
    """None for a task."""
    context: int = 0
    call: int = 0


@dataclass(frozen=True, slots=True)
class InjectedTrap:
    """Do not run the message: it counts as trapped, with this text. The cleanup of a callback runs."""

    message: str


@dataclass(frozen=True, slots=True)
class InstructionLimit:
    """Run the message with this limit of instructions, so that it traps where it reaches it."""

    instructions: int


@dataclass(frozen=True, slots=True)
class InjectedReject:
    """Reject a call without running it; of a reply, run the reject callback with this answer instead."""

    answer: Rejected


Intervention: TypeAlias = InjectedTrap | InstructionLimit | InjectedReject


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEnd:
    """How a message ended. `cycles` is by how much it changed the balance of its canister."""

    trap: str | None
    """The text of the trap, None when the message ran to its end."""
    instructions: int
    executed: int
    """The instructions of its code: without the pages of main memory that count after it has ended."""
    cycles: int
    outputs: tuple[OutputMessage, ...]
    """The calls that it made and the answers that it gave."""


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A message that may run next, and its place in the queue of `canister` (bytes of a principal)."""

    canister: bytes
    message: Message
    place: int


class MessageHook:
    """Sees every message; override what is needed. Queries outside of rounds and management calls are not seen."""

    heartbeats = True
    """Whether heartbeats run in the rounds that would have them."""

    chooses = True
    """Whether `choose` decides the order of the messages. Without, it is the order of rounds without a hook."""

    def choose(self, ready: Sequence[ReadyMessage]) -> int | None:
        """Return the index of the message to run next, None to end the round before any of them.

        `ready` holds what the interface's guarantees of order allow: of the calls from one canister to another the
        first, and any call from outside and any answer. Ordered by canister and place in the queue. Where rounds are
        not held, a hook that returns None is asked again in the next round.
        """
        del ready
        return 0

    def between(self, chosen: ReadyMessage) -> Sequence[Request] | None:
        """Return management calls to execute before the chosen message; none to run it now.

        After these calls the hook chooses again. Their answers go nowhere: give them an origin of their own. None lets
        the pass of the round end first, in which a canister that was told to stop does so.
        """
        del chosen
        return ()

    def before(self, step: MessageStep) -> Intervention | None:
        """Look at a message before it runs, and say what should happen in place of it; None to run it."""
        del step
        return None

    def after(self, step: MessageStep, end: MessageEnd) -> None:
        """Look at how a message ended."""
