"""What a canister may use in a round, and what it has used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ic_harness.replica.state.config import MESSAGE_OVERHEAD, QUEUE_CAPACITY
from ic_harness.replica.state.replicated_state import Canister, FromCanister, Message, Response


def queue_room(canister: Canister) -> dict[bytes, int]:
    """Free slots for calls to each callee that was called and has not answered."""
    waiting = Counter(call.callee for call in canister.calls.values())
    return {callee: QUEUE_CAPACITY - count for callee, count in waiting.items()}


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
