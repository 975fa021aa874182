"""One canister's turn in a round: its tasks and waiting messages, one after the other.

Interface specification, "Message execution", "Call context creation", "Heartbeat", "Global timer". A message
is a transaction: it runs, and only if it did not trap its memory is committed and its effects are applied.
A turn touches its own canister and nothing else, so turns of different canisters run in parallel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ic_harness.replica import effects, rejects
from ic_harness.replica.config import CALL_BYTES, QUEUE_CAPACITY, REPLY_BYTES, TURN_INSTRUCTIONS, Subnet
from ic_harness.replica.effects import Outbox
from ic_harness.replica.execution import (
    Callback,
    Completed,
    Entry,
    Environment,
    Instance,
    Mode,
    Outcome,
    Trapped,
)
from ic_harness.replica.machine import Machine
from ic_harness.replica.world import (
    CallContext,
    Canister,
    FromSystem,
    Origin,
    PendingCall,
    Rejected,
    Replied,
    Request,
    Response,
    Status,
)


def environment(canister: Canister, subnet: Subnet, time_ns: int, mode: Mode, **more: Any) -> Environment:
    """What code of `canister` observes in `mode`; `more` holds what the message adds to it."""
    settings = canister.settings
    return Environment(
        mode=mode,
        time_ns=time_ns,
        canister_id=canister.id,
        subnet_id=subnet.id,
        root_key=subnet.root_key,
        controllers=frozenset(settings.controllers),
        version=canister.version,
        status=int(canister.status),
        balance=canister.cycles,
        liquid_balance=canister.cycles,
        global_timer_ns=canister.global_timer_ns,
        wasm_memory_limit=settings.wasm_memory_limit,
        environment_variables=settings.environment_variables,
        **more,
    )


def queue_room(canister: Canister) -> dict[bytes, int]:
    """Free slots for calls to each callee that was called and has not answered."""
    waiting = Counter(call.callee for call in canister.calls.values())
    return {callee: QUEUE_CAPACITY - count for callee, count in waiting.items()}


@dataclass(frozen=True, slots=True)
class Pages:
    """What a message changed in memory: sizes and globals after it; (region, offset, content) of ranges."""

    heap_size: int
    stable_size: int
    globals: tuple[int, ...]
    parts: tuple[tuple[str, int, bytes], ...]


class Measure(NamedTuple):
    """What one message cost: instructions, and by how much it changed the balance."""

    what: str
    instructions: int
    cycles: int
    trapped: bool


@dataclass(slots=True)
class Turn:
    """Runs messages of one canister. `diffs` are the page changes committed, for the journal."""

    canister: Canister
    machine: Machine
    subnet: Subnet
    time_ns: int
    journaled: bool = False
    outbox: Outbox = field(default_factory=Outbox)
    diffs: list[Pages] = field(default_factory=list)
    instructions: int = 0
    measures: list[Measure] = field(default_factory=list)
    trapped: bool = False

    def run(self, *, heartbeat: bool = False) -> None:
        """Run due tasks, then waiting messages until the turn's instructions are used up."""
        self._tasks(heartbeat=heartbeat)
        queue = self.canister.queue
        while queue and self.instructions < TURN_INSTRUCTIONS:
            message = queue.popleft()
            with self.machine.lock(self.canister.id):
                self.message(message)
                self._watch_memory()

    def message(self, message: Request | Response) -> None:
        """Run one message."""
        if isinstance(message, Request):
            with self._measured(message.method):
                self.request(message)
        else:
            with self._measured("reply" if isinstance(message.answer, Replied) else "reject"):
                self.response(message)

    @contextmanager
    def _measured(self, what: str) -> Iterator[None]:
        instructions, cycles = self.instructions, self.canister.cycles
        self.trapped = False
        yield
        self.measures.append(
            Measure(what, self.instructions - instructions, self.canister.cycles - cycles, self.trapped)
        )

    # --- tasks ----------------------------------------------------------------------------------------------

    def _tasks(self, *, heartbeat: bool) -> None:
        canister = self.canister
        if canister.status is not Status.RUNNING or not canister.installed:
            return
        with self.machine.lock(canister.id):
            if canister.low_memory_hook == "ready":
                canister.low_memory_hook = "executed"
                self._task("on_low_wasm_memory")
            if 0 < canister.global_timer_ns <= self.time_ns:
                canister.global_timer_ns = 0
                self._task("global_timer")
            if heartbeat:
                self._task("heartbeat")

    def _task(self, name: str) -> None:
        entry = Entry(export=f"canister_{name}")
        if not self.machine.module(self.canister).has(f"canister_{name}"):
            return
        with self._measured(name):
            context = self._open(FromSystem(), b"")
            self._settle(context, self._call(entry, Mode.SYSTEM_TASK, context, may_answer=False))

    def _watch_memory(self) -> None:
        """Arm the low-memory hook when too little of the limit is left, and disarm it when there is again."""
        canister, settings = self.canister, self.canister.settings
        if not settings.wasm_memory_threshold or not settings.wasm_memory_limit or not canister.installed:
            return
        left = settings.wasm_memory_limit - self.machine.instance(canister).heap_size
        if left >= settings.wasm_memory_threshold:
            canister.low_memory_hook = "unmet"
        elif canister.low_memory_hook == "unmet":
            canister.low_memory_hook = "ready"

    # --- calls ----------------------------------------------------------------------------------------------

    def request(self, request: Request) -> None:
        """Begin to serve a call."""
        context = self._open(request.origin, request.caller)
        context.cycles_available = request.cycles
        context.deadline_ns = request.deadline_ns
        context.caller_info = request.caller_info
        context.caller_info_signer = request.caller_info_signer
        refusal = self._refusal()
        if refusal is not None:
            effects.fail(self.canister, context, refusal, self.outbox)
            return
        kind = self.machine.module(self.canister).methods.get(request.method)
        if kind == "update":
            entry = Entry(export=f"canister_update {request.method}")
            self._settle(context, self._call(entry, Mode.UPDATE, context, arg=request.arg))
        elif kind == "query":
            entry = Entry(export=f"canister_query {request.method}")
            self._settle_query(context, self._call(entry, Mode.REPLICATED_QUERY, context, arg=request.arg))
        else:
            missing = rejects.method_not_found(self.canister.id, "update", request.method)
            effects.fail(self.canister, context, missing, self.outbox)

    def _refusal(self) -> Rejected | None:
        canister = self.canister
        if canister.status is Status.STOPPED:
            return rejects.stopped(canister.id)
        if canister.status is Status.STOPPING:
            return rejects.stopping(canister.id)
        return None if canister.installed else rejects.no_module_in(canister.id)

    def _open(self, origin: Origin, caller: bytes) -> CallContext:
        canister = self.canister
        canister.next_number += 1
        context = CallContext(number=canister.next_number, origin=origin, caller=caller)
        canister.contexts[context.number] = context
        return context

    # --- answers of calls -----------------------------------------------------------------------------------

    def response(self, response: Response) -> None:
        """Run the callback for an answer; a late answer to an expired or uninstalled call is dropped."""
        canister = self.canister
        call = canister.calls.pop(response.call, None)
        if call is None:
            return
        canister.cycles += response.refund
        context = canister.contexts[call.context]
        context.outstanding -= 1
        if context.abandoned or not canister.installed:
            effects.retire(canister, context, self.outbox)
            return
        outcome = self._callback(context, call, response)
        if isinstance(outcome, Trapped) and call.on_cleanup is not None:
            outcome = self._cleanup(context, call.on_cleanup, outcome, response)
        self._settle(context, outcome)

    def _callback(self, context: CallContext, call: PendingCall, response: Response) -> Outcome:
        refunded = response.refund
        match response.answer:
            case Replied(data):
                entry = Entry(callback=call.on_reply)
                return self._call(entry, Mode.REPLY, context, arg=data, cycles_refunded=refunded)
            case Rejected() as answer:
                return self._call(
                    Entry(callback=call.on_reject),
                    Mode.REJECT,
                    context,
                    reject_code=answer.code,
                    reject_message=rejects.as_seen_by_canister(answer),
                    cycles_refunded=refunded,
                )

    def _cleanup(
        self, context: CallContext, cleanup: Callback, first: Trapped, response: Response
    ) -> Trapped:
        """Run the cleanup after a callback trapped; its changes stay, the call still counts as trapped."""
        code = 0 if isinstance(response.answer, Replied) else response.answer.code
        outcome = self._call(
            Entry(callback=cleanup), Mode.CLEANUP, context, reject_code=code, may_answer=False
        )
        message = first.message
        if isinstance(outcome, Completed):
            self._commit(self.machine.instance(self.canister))
            effects.apply(self.canister, context, outcome, self.time_ns, self.outbox)
            self.canister.version += 1
        else:
            message += f"\n\ncall_on_cleanup also failed:\n\n{outcome.message}"
        return Trapped(
            error_code=first.error_code,
            message=message,
            advice=first.advice,
            anchor=first.anchor,
            backtrace=first.backtrace,
            instructions=outcome.instructions,
            logs=first.logs + outcome.logs,
        )

    # --- the transaction ------------------------------------------------------------------------------------

    def _call(self, entry: Entry, mode: Mode, context: CallContext, **more: Any) -> Outcome:
        canister = self.canister
        env = environment(
            canister,
            self.subnet,
            self.time_ns,
            mode,
            caller=context.caller,
            caller_info=context.caller_info,
            caller_info_signer=context.caller_info_signer,
            cycles_available=context.cycles_available,
            deadline_ns=context.deadline_ns,
            answered=context.answered,
            call_context_instructions=context.instructions,
            reply_limit=REPLY_BYTES,
            request_limit=CALL_BYTES,
            queue_room=queue_room(canister) if canister.calls else {},
            **more,
        )
        outcome = self.machine.instance(canister).run(entry, env)
        context.instructions += outcome.instructions
        self.instructions += outcome.instructions
        self.trapped = self.trapped or isinstance(outcome, Trapped)
        return outcome

    def _commit(self, instance: Instance) -> None:
        diff = instance.commit()
        if self.journaled:
            # Read now: the next message of this turn may overwrite the same pages.
            self.diffs.append(Pages(diff.heap_size, diff.stable_size, diff.globals, tuple(diff)))

    def _settle(self, context: CallContext, outcome: Outcome) -> None:
        """Commit and apply a message that succeeded; a trapped one left no trace but its instructions."""
        canister = self.canister
        if isinstance(outcome, Trapped):
            effects.log_trap(canister, outcome, self.time_ns)
            effects.fail(canister, context, rejects.trapped(canister.id, outcome), self.outbox)
            return
        self._commit(self.machine.instance(canister))
        effects.log(canister, outcome.logs, self.time_ns)
        effects.apply(canister, context, outcome, self.time_ns, self.outbox)
        canister.version += 1
        effects.retire(canister, context, self.outbox)

    def _settle_query(self, context: CallContext, outcome: Outcome) -> None:
        """Answer a query that was called as an update: replicated, but its changes are dropped."""
        canister = self.canister
        if isinstance(outcome, Trapped):
            effects.log_trap(canister, outcome, self.time_ns)
            effects.fail(canister, context, rejects.trapped(canister.id, outcome), self.outbox)
            return
        self.machine.instance(canister).rollback()
        effects.log(canister, outcome.logs, self.time_ns)
        effects.apply(canister, context, outcome, self.time_ns, self.outbox)
        effects.retire(canister, context, self.outbox)
