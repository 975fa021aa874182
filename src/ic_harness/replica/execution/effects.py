"""What a message does to the record of its canister: applied after it succeeded, undone when it was interrupted.

Interface specification, "Message execution" and "Call contexts": answers, outgoing calls, cycles, certified
data, the timer, logs and the version. Everything here concerns one canister; what leaves it goes into an
`OutputQueue`, which the scheduler routes when all canisters have run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ic_harness.replica.execution import Completed, Effects, OutgoingCall, Reply, Trapped, trap_rejects
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import BEST_EFFORT_TIMEOUT
from ic_harness.replica.state.output_queue import OutputQueue, ResponseOut
from ic_harness.replica.state.replicated_state import (
    LOG_RECORD_BYTES,
    Answer,
    CallContext,
    Canister,
    FromCanister,
    FromSystem,
    LogRecord,
    Message,
    PendingCall,
    Replied,
    Request,
    Response,
)
from ic_harness.units import SECOND


def apply(
    canister: Canister, context: CallContext, completed: Completed, time_ns: int, outputs: OutputQueue
) -> None:
    """Apply what a successful message of `context` asked for."""
    effects = completed.effects
    _move_cycles(canister, context, effects)
    if effects.certified_data is not None:
        canister.certified_data = effects.certified_data
    if effects.global_timer_ns is not None:
        canister.global_timer_ns = effects.global_timer_ns
    for call in effects.calls:
        outputs.append(_leave(canister, context, call, time_ns))
    if effects.answer is not None:
        reply = effects.answer
        said = Replied(reply.data) if isinstance(reply, Reply) else rejects.explicit(reply.message)
        answer(context, said, outputs)


def _move_cycles(canister: Canister, context: CallContext, effects: Effects) -> None:
    accepted = min(effects.cycles_accepted, context.cycles_available)
    context.cycles_available -= accepted
    gained = accepted + effects.cycles_minted
    if gained or effects.cycles_burned:
        canister.receive(gained - effects.cycles_burned)
        canister.cycles_burned += effects.cycles_burned


def _leave(canister: Canister, context: CallContext, call: OutgoingCall, time_ns: int) -> Request:
    canister.next_number += 1
    number = canister.next_number
    deadline = 0
    if call.timeout_s is not None:
        deadline = time_ns + min(call.timeout_s * SECOND, BEST_EFFORT_TIMEOUT)
    canister.calls[number] = PendingCall(
        context=context.number,
        callee=call.callee,
        on_reply=call.on_reply,
        on_reject=call.on_reject,
        on_cleanup=call.on_cleanup,
        cycles=call.cycles,
        deadline_ns=deadline,
        prepaid_callback=call.prepaid_callback,
        prepaid_answer=call.prepaid_answer,
    )
    canister.cycles -= call.cycles + call.prepaid
    context.outstanding += 1
    return Request(
        origin=FromCanister(canister.id, number),
        caller=canister.id,
        callee=call.callee,
        method=call.method,
        arg=call.payload,
        cycles=call.cycles,
        deadline_ns=deadline,
        caller_version=canister.version,
    )


def answer(context: CallContext, result: Answer, outputs: OutputQueue) -> None:
    """Answer a call context: once, with all cycles that were not accepted."""
    context.answered = True
    refund, context.cycles_available = context.cycles_available, 0
    if not isinstance(context.origin, FromSystem):
        outputs.append(ResponseOut(context.origin, result, refund))


def reject(canister: Canister, context: CallContext, why: Answer, outputs: OutputQueue) -> None:
    """Answer with a failure, unless the context is answered or a call of it may still bring an answer."""
    if not context.answered and context.outstanding == 0:
        answer(context, why, outputs)
    close_call_context(canister, context, outputs)


def reject_trapped(
    canister: Canister, context: CallContext, trap: Trapped, time_ns: int, outputs: OutputQueue
) -> None:
    """Log a trap, and answer with it where `reject` does."""
    log_trap(canister, trap, time_ns)
    reject(canister, context, trap_rejects.trapped(canister.id, trap), outputs)


def close_call_context(canister: Canister, context: CallContext, outputs: OutputQueue) -> None:
    """Remove a context that nothing will come back to; one without an answer gets IC0506."""
    if context.outstanding:
        return
    # No caller waits for a task: it needs no text that says why there is no answer.
    if not context.answered and not isinstance(context.origin, FromSystem):
        answer(context, rejects.did_not_reply(canister.id), outputs)
    canister.contexts.pop(context.number, None)


def log(canister: Canister, lines: tuple[bytes, ...], time_ns: int) -> None:
    """Append lines to the canister's log, which forgets its oldest lines beyond `log_memory_limit` bytes."""
    if not lines:
        return
    longest = max(0, canister.settings.log_memory_limit - LOG_RECORD_BYTES)
    for line in lines:
        canister.logs.append(LogRecord(canister.next_log, time_ns, line[:longest]))
        canister.next_log += 1
    trim_log(canister)


def trim_log(canister: Canister) -> None:
    """Forget the oldest lines of the log beyond `log_memory_limit` bytes."""
    total = sum(record.size for record in canister.logs)
    forgotten = 0
    while total > canister.settings.log_memory_limit:
        total -= canister.logs[forgotten].size
        forgotten += 1
    del canister.logs[:forgotten]


def log_trap(canister: Canister, trap: Trapped, time_ns: int) -> None:
    """Log what a trapped message printed, why it trapped and where."""
    log(canister, trap_log_lines(trap), time_ns)


def trap_log_lines(trap: Trapped) -> tuple[bytes, ...]:
    """What a trapped message printed, and the line that says why it trapped, with its backtrace if there is one."""
    reason = f"[TRAP]: {trap.message}"
    if trap.backtrace:
        reason += "\nCanister Backtrace:\n" + "\n".join(trap.backtrace)
    return (*trap.logs, reason.encode())


class Undo(NamedTuple):
    """What is needed to put a canister's record back to before a message that did not come to its end.

    Memory is not part of it: the instance has rolled back by itself.
    """

    number: int
    cycles: int
    reserved: int
    memory: int
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
        return cls(
            canister.next_number,
            canister.cycles,
            canister.reserved_cycles,
            canister.memory_used,
            len(outputs),
            context,
            call,
        )

    def apply(self, canister: Canister, outputs: OutputQueue) -> None:
        """Put the record back."""
        del outputs[self.left :]
        for number in range(self.number + 1, canister.next_number + 1):
            canister.contexts.pop(number, None)
            canister.calls.pop(number, None)
        canister.next_number, canister.cycles = self.number, self.cycles
        canister.reserved_cycles, canister.memory_used = self.reserved, self.memory
        if self.call is not None and self.context is not None:
            canister.calls[self.call[0]] = self.call[1]
            canister.contexts[self.context.number] = self.context
