"""What leaves canisters during a round, until the scheduler routes it."""

from __future__ import annotations

from typing import TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.replicated_state import Answer, Origin, Request


@dataclass(frozen=True, slots=True)
class ResponseOut:
    """A call from `origin` has its answer; `refund` are the cycles that go back."""

    origin: Origin
    answer: Answer
    refund: int = 0


OutputMessage: TypeAlias = Request | ResponseOut

OutputQueue: TypeAlias = list[OutputMessage]
"""What leaves canisters during a round, in the order in which it is routed."""
