"""What surrounds a message: how much of a queue a canister may work through, and how a message is undone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ic_harness.replica.state.config import MESSAGE_OVERHEAD
from ic_harness.replica.state.output_queue import OutputQueue
from ic_harness.replica.state.replicated_state import (
    CallContext,
    Canister,
    FromCanister,
    Message,
    PendingCall,
    Response,
)


@dataclass(slots=True)
class Used:
    """What a canister has used in a round: instructions, and how many messages it ran."""

    instructions: int = 0
    messages: int = 0

    @property
    def total(self) -> int:
        """Instructions, with `MESSAGE_OVERHEAD` for each message."""
        return self.instructions + self.messages * MESSAGE_OVERHEAD


@dataclass(frozen=True, slots=True)
class Budget:
    """Instructions that a canister may use in a round.

    Beyond `ingress` no call from outside begins; beyond `total`, which also counts `MESSAGE_OVERHEAD` for each
    message, no message at all.
    """

    ingress: float
    total: float

    def lasts(self, used: Used) -> bool:
        """Whether any message may begin."""
        return used.total < self.total

    def allows(self, message: Message, used: Used) -> bool:
        """Whether this message may begin, where any may."""
        return used.instructions < self.ingress or not is_ingress(message)


def is_ingress(message: Message) -> bool:
    """Whether a message came from outside the subnet."""
    return not isinstance(message, Response) and not isinstance(message.origin, FromCanister)


@dataclass(frozen=True, slots=True)
class Undo:
    """What is needed to put a canister's record back to before a message that did not come to its end.

    Memory is not part of it: the instance has rolled back by itself.
    """

    number: int
    cycles: int
    left: int
    context: CallContext | None = None
    call: tuple[int, PendingCall] | None = None

    @classmethod
    def of(cls, message: Message | None, canister: Canister, outputs: OutputQueue) -> Undo:
        """Remember the record before `message` (None: a task) runs."""
        call = context = None
        if isinstance(message, Response) and message.call in canister.calls:
            call = (message.call, canister.calls[message.call])
            context = replace(canister.contexts[call[1].context])
        return cls(canister.next_number, canister.cycles, len(outputs), context, call)

    def apply(self, canister: Canister, outputs: OutputQueue) -> None:
        """Put the record back."""
        del outputs[self.left :]
        for number in range(self.number + 1, canister.next_number + 1):
            canister.contexts.pop(number, None)
            canister.calls.pop(number, None)
        canister.next_number, canister.cycles = self.number, self.cycles
        if self.call is not None and self.context is not None:
            canister.calls[self.call[0]] = self.call[1]
            canister.contexts[self.context.number] = self.context
