"""What a management call asks of the scheduler, as plain data that the scheduler applies.

A handler changes the records of canisters in the replicated state. Queues, timers, deadlines and the list of what
the round changed belong to the scheduler: a handler only notes here what concerns them.
"""

from __future__ import annotations

from dataclasses import field

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import CodeChange
from ic_harness.replica.state.output_queue import OutputQueue, ResponseOut
from ic_harness.replica.state.replicated_state import Answer, Canister, Outcall, Request


@dataclass(slots=True)
class ManagementEffects:
    """The effects of one management call.

    `complete` is False when the call was interrupted, or is `longer` than a slice: it must be executed again, and
    `changed` holds what it left.
    """

    complete: bool = True
    longer: CodeChange | None = None
    """What has to run in further rounds, before the call is executed again with what it did."""
    rejected: list[ResponseOut] = field(default_factory=list)
    """Answers to calls that never began; delivered at once."""
    outputs: OutputQueue = field(default_factory=list)
    """Answers to calls that were executed; routed at the end of the pass."""
    changed: dict[bytes, Canister] = field(default_factory=dict)
    """Canisters whose record changed."""
    memory_replaced: set[bytes] = field(default_factory=set)
    """Canisters whose memory changed as a whole: installed, loaded, uninstalled or deleted."""
    deleted: list[bytes] = field(default_factory=list)
    outcalls: list[Outcall] = field(default_factory=list)
    """HTTPS outcalls that begin."""

    def reject(self, request: Request, answer: Answer) -> None:
        """Reject a call that never began; all its cycles go back."""
        self.rejected.append(ResponseOut(request.origin, answer, request.cycles))

    def discard_outputs(self) -> None:
        """Drop everything but the changes of records: the call did not come to its end."""
        self.rejected.clear()
        self.outputs.clear()
        self.outcalls.clear()
