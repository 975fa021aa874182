"""Execution of one canister's messages in a round: its tasks, then the messages in its queue, one after the other.

Interface specification, "Message execution", "Call context creation", "Heartbeat", "Global timer". A message
is a transaction: it runs, and only if it did not trap its memory is committed and its effects are applied.
A slice changes its own canister only, so slices of different canisters run in parallel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import (
    Completed,
    Entry,
    Instance,
    Interrupted,
    Mode,
    Module,
    Outcome,
    SliceExhausted,
    Trapped,
    effects,
    trap_rejects,
)
from ic_harness.replica.execution.effects import Undo
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.interface import Environment
from ic_harness.replica.execution.interruption import LOG, AbandonedTest
from ic_harness.replica.rounds.charges import Account, memory_size
from ic_harness.replica.rounds.long_work import Exhausted, Known, LongExecution, WasmCall
from ic_harness.replica.rounds.round_state import Budget, Used, queue_room
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import CALL_BYTES, REPLY_BYTES, Subnet
from ic_harness.replica.state.delta import MessageCost, Pages
from ic_harness.replica.state.output_queue import OutputQueue, ResponseOut
from ic_harness.replica.state.replicated_state import (
    Callback,
    CallContext,
    Canister,
    FromCanister,
    FromPythonApi,
    FromSystem,
    Message,
    Origin,
    PendingCall,
    Rejected,
    Replied,
    Request,
    Response,
    Status,
)


@dataclass(slots=True)
class ExecutionSlice:
    """Runs messages of one canister. `diffs` are the page changes committed, for the journal.

    `abandoned` says whether a message belongs to a call whose caller has left; `taken` are the bytes of memory that the
    subnet has given to its canisters. `starved` is set where a task could not be paid for.
    """

    canister: Canister
    instances: InstancePool
    subnet: Subnet
    time_ns: int
    journaled: bool = False
    abandoned: AbandonedTest = lambda _message, _canister: False
    outputs: OutputQueue = field(default_factory=list)
    diffs: list[Pages] = field(default_factory=list)
    used: Used = field(default_factory=Used)
    measures: list[MessageCost] = field(default_factory=list)
    trapped: bool = False
    since: int = 0
    taken: int = 0
    starved: bool = False
    most: int | None = None
    """Instructions of a slice; None lets messages run to their ends."""
    paused: LongExecution | None = None
    """The message or task that did not end within a slice."""
    recalled: tuple[Known, ...] = ()
    """Outcomes of the runs of Wasm that the next message has behind it."""
    account: Account = field(init=False)
    _first_log: int = field(init=False)
    _known: deque[Known] = field(init=False, default_factory=deque)
    _task_name: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.account = Account(self.canister, self.subnet.fees, self.taken)
        self._first_log = self.canister.next_log

    def run(self, budget: Budget, *, tasks: bool = True, heartbeat: bool = False) -> None:
        """Run due tasks, then waiting messages until the budget is used up or rounds must give way."""
        if tasks:
            self.run_tasks(heartbeat=heartbeat)
        queue = self.canister.queue
        kept: list[Message] = []
        while queue and self.paused is None and budget.lasts(self.used):
            message = queue.popleft()
            if not budget.allows(message, self.used):
                kept.append(message)
                continue
            with self.instances.lock(self.canister.id):
                if not self.message(message):
                    queue.appendleft(message)
                    break
                self._watch_memory()
        queue.extendleft(reversed(kept))

    def resume(self, execution: LongExecution, known: tuple[Known, ...]) -> bool:
        """End a long execution whose Wasm has ended; False when it did not come to it. The slice's only message."""
        canister, queue, message = self.canister, self.canister.queue, execution.message
        used, self.recalled = replace(self.used), known  # its slice does not end the round for others
        with self.instances.lock(canister.id):
            if message is None:
                done = self._run_due(execution.task)
            else:
                queue.remove(message)
                done = self.message(message)
                if not done:
                    queue.appendleft(message)
            if not done or self._known:  # the caller has left, or a fault came first
                self.instances.instance(canister).rollback()
            self._watch_memory()
        self.used.instructions, self.used.messages = used.instructions, used.messages
        if canister.cycles < 0:  # calls that were taken meanwhile were paid from what the message had in hand
            self.account.consumed += canister.cycles
            canister.cycles = 0
        return done

    @property
    def remembers(self) -> bool:
        """Whether the canister printed something, which takes memory."""
        return self.canister.next_log != self._first_log

    def message(self, message: Message) -> bool:
        """Run one message; False when rounds must give way, and nothing of it was done."""
        return self._attempt(lambda: self._run(message), message)

    def _attempt(self, run: Callable[[], None], message: Message | None = None) -> bool:
        """Run a message or a task (None) until it was not interrupted; see `interruption`."""
        interruption, canister = self.instances.interruption, self.canister
        while True:
            self.since = interruption.interrupts.count
            if interruption.pausing:
                return False
            if message is not None and interruption.abandoned and self.abandoned(message, canister):
                self._refuse(message, rejects.interrupted())
                return True
            self._known = deque(self.recalled)
            undo, consumed = Undo.of(message, canister, self.outputs), self.account.consumed
            try:
                run()
            except (Interrupted, Exhausted) as stopped:
                undo.apply(canister, self.outputs)
                self.account.consumed = consumed
                if isinstance(stopped, Exhausted):
                    self.paused = LongExecution(
                        canister=canister.id,
                        message=message,
                        task=self._task_name,
                        time_ns=self.time_ns,
                        call=stopped.call,
                        known=self.recalled,
                    )
                    return False
            except Exception as problem:  # noqa: BLE001  it must cost one message, not the network
                LOG.exception("a message of %s failed inside the replica", rejects.name(canister.id))
                undo.apply(canister, self.outputs)
                self.account.consumed = consumed
                if message is not None:
                    self._refuse(message, rejects.internal(problem))
                return True
            else:
                self.used.messages += 1
                return True

    def _run(self, message: Message) -> None:
        instructions, cycles = self._begin_measure()
        if isinstance(message, Request):
            self.request(message)
            what = message.method
        else:
            self.response(message)
            what = "reply" if isinstance(message.answer, Replied) else "reject"
        self._measure(what, instructions, cycles)

    def _refuse(self, message: Message, answer: Rejected) -> None:
        """End a message without running it: as if it, or the callback that it is for, had trapped."""
        if isinstance(message, Request):
            self.outputs.append(ResponseOut(message.origin, answer, message.cycles))
            return
        call = self.canister.calls.get(message.call)
        context = self._take_back(message)
        if call is not None and context is not None:
            self.account.settle_callback(call, None, is_64=self._is_64())
            effects.reject(self.canister, context, answer, self.outputs)

    def _begin_measure(self) -> tuple[int, int]:
        """Return the instructions used and the balance before a message."""
        self.trapped = False
        return self.used.instructions, self.canister.cycles

    def _measure(self, what: str, instructions: int, cycles: int) -> None:
        """Note what a message cost, after it came to its end."""
        cost = self.used.instructions - instructions, self.canister.cycles - cycles
        self.measures.append(MessageCost(what, *cost, self.trapped))

    # --- tasks ----------------------------------------------------------------------------------------------

    def run_tasks(self, *, heartbeat: bool) -> None:
        """Run the tasks that are due: the low-memory hook, the global timer, the heartbeat."""
        canister = self.canister
        if canister.status is not Status.RUNNING or not canister.module_hash:
            return
        short_of_memory = canister.low_memory_hook == "ready"
        if not (short_of_memory or heartbeat or canister.global_timer_ns):
            return
        with self.instances.lock(canister.id):
            if short_of_memory:
                self._run_due("on_low_wasm_memory")
            if self.paused is None and 0 < canister.global_timer_ns <= self.time_ns:
                self._run_due("global_timer")
            if self.paused is None and heartbeat:
                self._run_due("heartbeat")

    def _run_due(self, name: str) -> bool:
        """Run a task that is due; it stays so when it does not come to its end."""
        canister = self.canister
        if name == "on_low_wasm_memory":
            canister.low_memory_hook = "executed"
            if not self._task(name):
                canister.low_memory_hook = "ready"
                return False
        elif name == "global_timer":
            due, canister.global_timer_ns = canister.global_timer_ns, 0
            if not self._task(name):
                canister.global_timer_ns = due
                return False
        else:
            return self._task(name)
        return True

    def _task(self, name: str) -> bool:
        """Run a task if the module has it; False when rounds must give way, and nothing of it was done."""
        if f"canister_{name}" not in self.instances.module(self.canister).exports:
            return True
        is_64 = self._is_64()
        longest = self.account.longest(is_64=is_64)
        if not self.recalled and self.account.missing(longest):
            self.starved = True
            return False
        self._task_name = name
        return self._attempt(lambda: self._run_task(name, longest, is_64=is_64))

    def _run_task(self, name: str, longest: int, *, is_64: bool) -> None:
        instructions, cycles = self._begin_measure()
        self.account.spend(longest)
        context = self._open(FromSystem(), b"")
        entry = Entry(export=f"canister_{name}")
        self._settle(context, self._call(entry, Mode.SYSTEM_TASK, context, may_answer=False))
        self.account.settle_message(self.used.instructions - instructions, is_64=is_64)
        self._measure(name, instructions, cycles)

    def _watch_memory(self) -> None:
        """Arm the low-memory hook when too little of the limit is left, and disarm it when there is again."""
        canister, settings = self.canister, self.canister.settings
        if not settings.wasm_memory_threshold or not settings.wasm_memory_limit or not canister.installed:
            return
        left = settings.wasm_memory_limit - self.instances.instance(canister).heap_size
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
        refusal = self._refusal(request)
        if refusal is not None:
            effects.reject(self.canister, context, refusal, self.outputs)
            return
        module, before = self.instances.module(self.canister), self.used.instructions
        is_64 = module.is_64
        longest = self.account.longest(is_64=is_64)
        if not self.recalled and (missing := self.account.missing(longest)):
            reveal = request.caller in self.canister.settings.controllers
            unpaid = rejects.out_of_cycles(self.canister.id, missing, reveal=reveal)
            effects.reject(self.canister, context, unpaid, self.outputs)
            return
        # Pay for the longest message, and take back what it did not use.
        self.account.spend(longest)
        self._serve(request, context, module)
        self.account.settle_message(self.used.instructions - before, is_64=is_64)

    def _serve(self, request: Request, context: CallContext, module: Module) -> None:
        kind = module.methods.get(request.method)
        if kind in {"update", "query"}:
            mode = Mode.UPDATE if kind == "update" else Mode.REPLICATED_QUERY
            entry = Entry(export=f"canister_{kind} {request.method}")
            outcome = self._call(entry, mode, context, arg=request.arg)
            self._settle(context, outcome, keep=kind == "update")
        else:
            missing = rejects.method_not_found(self.canister.id, "update", request.method)
            effects.reject(self.canister, context, missing, self.outputs)

    def _refusal(self, request: Request) -> Rejected | None:
        canister, origin = self.canister, request.origin
        if canister.status is Status.STOPPED:
            return rejects.stopped(canister.id)
        if canister.status is Status.STOPPING:
            return rejects.stopping(canister.id)
        minimum = canister.settings.minimum_incoming_canister_call_cycles
        if request.cycles < minimum and isinstance(origin, FromCanister) and request.caller != canister.id:
            return rejects.too_few_cycles(canister.id, request.cycles, minimum)
        if canister.module_hash:
            return None
        # The host submits as users do, whose calls of an empty canister are refused on submission.
        return rejects.no_module() if isinstance(origin, FromPythonApi) else rejects.no_module_in(canister.id)

    def _is_64(self) -> bool:
        return bool(self.canister.module_hash) and self.instances.module(self.canister).is_64

    def _open(self, origin: Origin, caller: bytes) -> CallContext:
        canister = self.canister
        canister.next_number += 1
        context = CallContext(number=canister.next_number, origin=origin, caller=caller)
        canister.contexts[context.number] = context
        return context

    # --- answers of calls -----------------------------------------------------------------------------------

    def response(self, response: Response) -> None:
        """Run the callback for an answer; a late answer to an expired or uninstalled call is dropped."""
        call = self.canister.calls.get(response.call)
        context = self._take_back(response)
        if call is None or context is None:
            return
        before = self.used.instructions
        outcome = self._callback(context, call, response)
        if isinstance(outcome, Trapped) and call.on_cleanup is not None:
            outcome = self._cleanup(context, call.on_cleanup, outcome, response)
        self._settle(context, outcome)
        self.account.settle_callback(call, self.used.instructions - before, is_64=self._is_64())

    def _take_back(self, response: Response) -> CallContext | None:
        """Close the call that is answered; None when no callback is to run."""
        canister = self.canister
        call = canister.calls.pop(response.call, None)
        if call is None:
            self.account.consumed += response.refund  # of a call that was given up: its cycles are lost
            return None
        canister.receive(response.refund)
        self.account.settle_answer(call, response.answer)
        context = canister.contexts[call.context]
        context.outstanding -= 1
        if context.abandoned or not canister.installed:
            self.account.settle_callback(call, None, is_64=self._is_64())
            effects.close_call_context(canister, context, self.outputs)
            return None
        return context

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
        instructions, logs = outcome.instructions, first.logs + outcome.logs
        if isinstance(outcome, Trapped):
            reasons = map(trap_rejects.described, (first, outcome))
            both = "\n\ncall_on_cleanup also failed:\n\n".join(reasons)
            # As in DFINITY's replica, no advice follows, and the traces are within the text.
            return replace(
                first, message=both, advice="", anchor="", backtrace=(), instructions=instructions, logs=logs
            )
        self._commit(context)
        self._apply(context, outcome)
        self.canister.version += 1
        return replace(first, instructions=instructions, logs=logs)

    # --- the transaction ------------------------------------------------------------------------------------

    def _call(
        self,
        entry: Entry,
        mode: Mode,
        context: CallContext,
        *,
        instruction_limit: int | None = None,
        **more: Any,
    ) -> Outcome:
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
            instruction_limit=instruction_limit or self.subnet.rules.update_instructions,
            reply_limit=REPLY_BYTES,
            request_limit=CALL_BYTES,
            queue_room=queue_room(canister) if canister.calls else {},
            **more,
        )
        instance = self.instances.instance(canister)
        outcome, before = self._execute(instance, entry, env)
        if isinstance(outcome, Completed) and mode is not Mode.REPLICATED_QUERY:
            outcome = self._grown(instance, context, outcome, before)
        context.instructions += outcome.instructions
        self.used.instructions += outcome.instructions
        self.trapped = self.trapped or isinstance(outcome, Trapped)
        return outcome

    def _execute(self, instance: Instance, entry: Entry, env: Environment) -> tuple[Outcome, int]:
        """Run Wasm, or recall what it did; also the bytes of memory before. Raises `Exhausted`."""
        if self._known:
            known = self._known.popleft()
            return known.get(), known.before
        before = memory_size(instance)
        try:
            return instance.run(entry, env, self.since, most=self.most), before
        except SliceExhausted:
            raise Exhausted(WasmCall(entry, env, before)) from None

    def _grown(self, instance: Instance, context: CallContext, outcome: Completed, before: int) -> Outcome:
        """Pay for the memory that a message took; where that cannot be, the message traps."""
        grown = memory_size(instance) - before
        trapped = self.account.grow(context, outcome, grown) if grown else None
        if trapped is None:
            return outcome
        instance.rollback()
        return trapped

    def _apply(self, context: CallContext, outcome: Completed) -> None:
        effects.apply(self.canister, context, outcome, self.time_ns, self.outputs)
        self.account.consumed += outcome.effects.cycles_burned
        for call in outcome.effects.calls:
            self.account.consumed += call.prepaid

    def _commit(self, context: CallContext) -> None:
        """Commit what a message changed; the pages of main memory count as instructions after it has ended."""
        diff = self.instances.instance(self.canister).commit()
        context.instructions += diff.page_weight
        self.used.instructions += diff.page_weight
        if self.journaled:
            # Read now: the next message of this slice may overwrite the same pages.
            self.diffs.append(Pages(diff.heap_size, diff.stable_size, diff.globals, tuple(diff)))

    def _settle(self, context: CallContext, outcome: Outcome, *, keep: bool = True) -> None:
        """Commit and apply a message that succeeded; a trapped one left no trace but its instructions.

        A query that was called as an update does not `keep` what it did to memories and globals.
        """
        canister = self.canister
        if isinstance(outcome, Trapped):
            effects.reject_trapped(canister, context, outcome, self.time_ns, self.outputs)
            return
        if keep:
            self._commit(context)
        else:
            self.instances.instance(canister).rollback()
        effects.log(canister, outcome.logs, self.time_ns)
        self._apply(context, outcome)
        canister.version += 1
        effects.close_call_context(canister, context, self.outputs)
