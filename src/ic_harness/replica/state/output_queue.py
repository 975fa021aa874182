"""What leaves canisters during a round, until the scheduler routes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ic_harness.replica.state.replicated_state import Answer, CallContext, FromSystem, Origin, Request


@dataclass(frozen=True, slots=True)
class ResponseOut:
    """A call from `origin` has its answer; `refund` are the cycles that go back."""

    origin: Origin
    answer: Answer
    refund: int = 0


OutputMessage: TypeAlias = Request | ResponseOut


@dataclass(slots=True)
class OutputQueue:
    """What leaves canisters during a round, in the order in which it is routed."""

    items: list[OutputMessage] = field(default_factory=list)

    def answer(self, context: CallContext, answer: Answer) -> None:
        """Answer a call context: once, with all cycles that were not accepted."""
        context.answered = True
        refund, context.cycles_available = context.cycles_available, 0
        if not isinstance(context.origin, FromSystem):
            self.items.append(ResponseOut(context.origin, answer, refund))
