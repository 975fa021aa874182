"""Execution under a `MessageHook`: one message at a time, in the order that the hook chooses.

Replaces the step "execute" of a round. Each pass runs the tasks that are due (in the first), then one message, whose
calls and answers are routed before the next is chosen. Without a hook nothing of this is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ic_harness.replica.execution import Entry, Mode, Outcome, Trapped, trap_rejects, traps
from ic_harness.replica.rounds.canister_execution import ExecutionSlice
from ic_harness.replica.rounds.message_hook import (
    InjectedReject,
    InjectedTrap,
    InstructionLimit,
    Intervention,
    MessageEnd,
    MessageHook,
    MessageKind,
    MessageStep,
    ReadyMessage,
)
from ic_harness.replica.state.replicated_state import (
    Canister,
    FromCanister,
    Message,
    Replied,
    Request,
)


class HookedExecution:
    """What the scheduler carries while there is a hook."""

    def __init__(self, hook: MessageHook) -> None:
        self.hook = hook
        self.ended = False
        """Whether the hook wants no more messages in this round."""
        self.count = 0
        self._methods: dict[tuple[bytes, int], str] = {}

    def slice(self, *arguments: Any, **more: Any) -> HookedSlice:
        """Make the execution slice of a canister, with the arguments of `ExecutionSlice`."""
        made = HookedSlice(*arguments, **more)
        made.hooked = self
        return made

    def run(self, slices: list[HookedSlice]) -> Sequence[Request]:
        """Let the hook choose one of the messages that wait, and run it; returns management calls to execute first."""
        by_canister = {execution.canister.id: execution for execution in slices}
        ready = [one for execution in slices for one in _ready(execution.canister)]
        if not ready or self.ended:
            return ()
        chosen = self.hook.choose(ready)
        if chosen is None:
            self.ended = True
            return ()
        picked = ready[chosen]
        first = self.hook.between(picked)
        if first is None:
            return ()
        if not first:
            by_canister[picked.canister].run_at(picked.place)
        return first

    def step(self, canister: Canister, message: Message | None, task: str = "") -> MessageStep:
        """Describe what is about to run."""
        number = self.count
        if message is None:
            return MessageStep(
                number=number,
                canister=canister.id,
                kind=MessageKind.TASK,
                method=task,
                caller=b"",
                message=None,
            )
        if isinstance(message, Request):
            return MessageStep(
                number=number,
                canister=canister.id,
                kind=MessageKind.REQUEST,
                method=message.method,
                caller=message.caller,
                message=message,
            )
        call = canister.calls.get(message.call)
        return MessageStep(
            number=number,
            canister=canister.id,
            kind=MessageKind.REPLY if isinstance(message.answer, Replied) else MessageKind.REJECT,
            method=self._methods.get((canister.id, message.call), ""),
            caller=b"" if call is None else call.callee,
            message=message,
            context=0 if call is None else call.context,
            call=message.call,
        )

    def note(self, outputs: Iterable[object]) -> None:
        """Remember which methods were called, for the callbacks."""
        for item in outputs:
            if isinstance(item, Request) and isinstance(item.origin, FromCanister):
                self._methods[item.origin.canister, item.origin.call] = item.method


class HookedSlice(ExecutionSlice):
    """An execution slice whose messages a hook sees."""

    hooked: HookedExecution
    intervention: Intervention | None = None
    trap: Trapped | None = None
    executed: int = 0
    task: str = ""

    def run_at(self, place: int) -> None:
        """Run the message at a place in the canister's queue."""
        queue = self.canister.queue
        message = queue[place]
        del queue[place]
        with self.instances.lock(self.canister.id):
            if self.message(message):
                self._watch_memory()
            else:
                queue.insert(place, message)

    def _task(self, name: str) -> bool:
        self.task = name
        return super()._task(name)

    def _attempt(self, run: Callable[[], None], message: Message | None = None) -> bool:
        step = self.hooked.step(self.canister, message, self.task)
        self.intervention, self.trap, self.executed = self.hooked.hook.before(step), None, 0
        left, measured = len(self.outputs), len(self.measures)
        if not super()._attempt(run, message):
            return False  # rounds give way: it is seen again, with the same number, when it is run again
        self.hooked.count += 1
        cost = self.measures[measured] if len(self.measures) > measured else None
        outputs = tuple(self.outputs[left:])
        self.hooked.note(outputs)
        end = MessageEnd(
            trap=self._trap_text(),
            instructions=0 if cost is None else cost.instructions,
            executed=self.executed,
            cycles=0 if cost is None else cost.cycles,
            outputs=outputs,
        )
        self.intervention = None
        self.hooked.hook.after(step, end)
        return True

    def _trap_text(self) -> str | None:
        return None if self.trap is None else trap_rejects.described(self.trap)

    def _run(self, message: Message) -> None:
        if isinstance(self.intervention, InjectedReject):
            if isinstance(message, Request):
                self._refuse(message, self.intervention.answer)
                return
            message = replace(message, answer=self.intervention.answer)
        super()._run(message)

    def _call(self, entry: Entry, mode: Mode, context: Any, **more: Any) -> Outcome:
        if mode is not Mode.CLEANUP:
            match self.intervention:
                case InjectedTrap(text):
                    self.trap = _trapped(text)
                    self.trapped = True
                    return self.trap
                case InstructionLimit(instructions):
                    more["instruction_limit"] = min(instructions, self.subnet.rules.update_instructions)
        outcome = super()._call(entry, mode, context, **more)
        self.executed += outcome.instructions
        if isinstance(outcome, Trapped):
            self.trap = self.trap or outcome
        return outcome


def _trapped(text: str) -> Trapped:
    trap = traps.called_trap(text)
    return Trapped(
        error_code=trap.error_code,
        message=trap.message,
        advice=trap.advice,
        anchor=trap.anchor,
        backtrace=(),
        instructions=0,
        logs=(),
    )


def _ready(canister: Canister) -> list[ReadyMessage]:
    """What may run next of a canister's queue: of each calling canister's calls the first, and everything else."""
    callers: set[bytes] = set()
    found = []
    for place, message in enumerate(canister.queue):
        if isinstance(message, Request) and isinstance(message.origin, FromCanister):
            if message.origin.canister in callers:
                continue
            callers.add(message.origin.canister)
        found.append(ReadyMessage(canister.id, message, place))
    return found
