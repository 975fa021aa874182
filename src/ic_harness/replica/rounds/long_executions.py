"""Messages that need more than one slice: they take several rounds, and other canisters go on meanwhile.

As in DFINITY's replica ("deterministic time slicing"): a message that does not end within the instructions of a slice
pauses, goes on in the next round, and so on. Nobody sees anything of it before it ends: it stays in its canister's
queue, queries and snapshots find the state before it, and no other message or management call of the canister runs.

Theory of operation. In how many rounds a message ends follows from its instructions alone: a slice for each. So the
Wasm need not be stopped where a slice ends. A message that exceeds its first slice is rolled back, and runs again on a
thread of its own, as far as it comes; every round waits until it has either ended or certainly executed more than the
slices that it had so far (`Progress`). The round that has its last slice takes the outcome and does the rest of the
message as if it had run just then. Whatever interrupts the thread costs time and changes nothing: the message runs
again from its start, up to the slices that it had. A message whose caller has left is dropped, and refused when it
would begin again. Installations go the same way, see `long_installations`; their calls wait in the queue of the
management canister.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ic_harness.replica.execution import (
    Interrupted,
    Interrupts,
    Progress,
    Task,
    WasmThreads,
    stop_at_exit,
)
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.interruption import belongs_to, origin_of
from ic_harness.replica.rounds.long_work import LongExecution, LongWork
from ic_harness.replica.state.config import LONG_EXECUTIONS
from ic_harness.replica.state.replicated_state import Canister

_LOOK_S: Final = 0.002
"""How often a round looks how far a message is: the engine tells nobody."""


class _Thread:
    """The work of a long execution, on a thread of its own."""

    def __init__(self, own: Any, call: LongWork, since: int, threads: WasmThreads) -> None:
        progress = Progress()
        self.progress = progress
        self.task: Task[Any] = Task(lambda: call.run(own, since, progress))
        threads.submit(self.task)

    def end(self) -> Any:
        """Wait for the end; returns the outcome, or what was raised."""
        try:
            return self.task.result()
        except Exception as problem:  # noqa: BLE001  an interrupt, or a bug of ours: for who takes the outcome
            return problem


class LongExecutions:
    """The long executions of a subnet. At most `LONG_EXECUTIONS` messages have slices, and the one installation.

    Others wait in their order. Used by the owner of the state; `stop_at_exit` by any thread.
    """

    def __init__(self, instances: InstancePool, slice_instructions: int) -> None:
        self._instances = instances
        self.slice_instructions: Final = slice_instructions
        self.all: dict[bytes, LongExecution] = {}
        """By canister. Every round looks at it, and most find it empty."""
        self._lent: dict[bytes, tuple[LongWork, Any]] = {}
        self._running: dict[bytes, _Thread] = {}
        self._ended: dict[bytes, Any] = {}
        self._threads = WasmThreads("ic-harness-long-execution", LONG_EXECUTIONS + 1)
        # A replica that is forgotten without `close` leaves no thread.
        weakref.finalize(self, _let_go, self._threads, instances.engine.interrupts).atexit = False

    def add(self, execution: LongExecution) -> None:
        """Begin a long execution, which has had its first slice."""
        self.all[execution.canister] = execution

    @property
    def installing(self) -> bool:
        """Whether there is an installation."""
        return any(execution.installs for execution in self.all.values())

    def _active(self) -> list[LongExecution]:
        """Return those whose turn it is."""
        messages = [execution for execution in self.all.values() if not execution.installs]
        return messages[:LONG_EXECUTIONS] + [
            execution for execution in self.all.values() if execution.installs
        ]

    def next_slices(self, canisters: dict[bytes, Canister]) -> None:
        """Give another slice to those whose turn it is, and let them run."""
        if not self.all:
            return
        stop_at_exit(self)
        self.remove_abandoned(canisters)
        for execution in self._active():
            execution.slices += 1
            self._run(canisters[execution.canister])

    def remove_abandoned(self, canisters: dict[bytes, Canister]) -> None:
        """Forget the executions whose callers have left: their messages are refused when they begin again."""
        if self._instances.interruption.abandoned:
            for execution in list(self.all.values()):
                if self._is_abandoned(execution, canisters):
                    self.remove(execution.canister)

    def _is_abandoned(self, execution: LongExecution, canisters: dict[bytes, Canister]) -> bool:
        abandoned, message = self._instances.interruption.abandoned, execution.message
        if not abandoned or message is None:
            return False
        return belongs_to(origin_of(message, canisters[execution.canister]), abandoned, canisters)

    def _run(self, canister: Canister) -> None:
        key = canister.id
        if key in self._running or key in self._ended:
            return
        call = self.all[key].call
        if key not in self._lent:
            self._lent[key] = call, call.begin(canister, self._instances)
        since = self._instances.interruption.interrupts.count
        self._running[key] = _Thread(self._lent[key][1], call, since, self._threads)

    def ending(self, canisters: dict[bytes, Canister]) -> list[LongExecution]:
        """Wait until those that have a slice in this round are through with it; returns those that end in it."""
        return [
            execution for execution in self._active() if self._ends(execution, canisters, execution.slices)
        ]

    def finish(self, canisters: dict[bytes, Canister]) -> LongExecution | None:
        """Run the first to its end, whatever slices that takes; None where rounds give way, or its caller left."""
        execution = next(iter(self.all.values()))
        return execution if self._ends(execution, canisters, None) else None

    def _ends(self, execution: LongExecution, canisters: dict[bytes, Canister], slices: int | None) -> bool:
        """Whether an execution ends within so many slices; False also when rounds give way, or its caller left."""
        key, interruption = execution.canister, self._instances.interruption
        while key not in self._ended:
            if interruption.pausing or self._is_abandoned(execution, canisters):
                return False
            self._run(canisters[key])
            thread = self._running[key]
            while not thread.task.ends_within(_LOOK_S):
                if slices is not None and thread.progress.at_least() > slices * self.slice_instructions:
                    return False
            del self._running[key]
            outcome = thread.end()
            if isinstance(outcome, Interrupted):
                self._begin_anew(key)
            else:
                self._ended[key] = outcome
        outcome = self._ended[key]
        if isinstance(outcome, Exception) or slices is None:
            return True
        return execution.call.rounds(outcome, self.slice_instructions) <= slices

    def _begin_anew(self, key: bytes) -> None:
        """Give back what an execution had that was interrupted, which may be changed."""
        call, own = self._lent.pop(key)
        call.drop(key, own, self._instances, None)

    def take(self, canister_id: bytes) -> Any:
        """Forget an execution that ended, and return its outcome, or what it raised; its instance is given back."""
        call, own = self._lent.pop(canister_id)
        call.end(canister_id, own, self._instances)
        outcome = self._ended.pop(canister_id)
        self.remove(canister_id)
        return outcome

    def remove(self, canister_id: bytes) -> None:
        """Forget an execution whose outcome was used, or whose message is gone."""
        self.all.pop(canister_id, None)
        self._stop([canister_id])
        if not self.all:
            self._threads.rest()

    def abort(self) -> None:
        """Forget all executions: their messages are in the queues of their canisters, as if they had not begun."""
        self.all.clear()
        self._stop(list(self._lent))
        self._threads.rest()

    def copy(self) -> list[LongExecution]:
        """Return what is needed to go on from here, at another time: how many slices each had."""
        return [replace(execution) for execution in self.all.values()]

    def adopt(self, executions: Iterable[LongExecution]) -> None:
        """Go on with these executions."""
        self.all = {execution.canister: replace(execution) for execution in executions}

    def close(self) -> None:
        """Stop everything and end the threads."""
        self.abort()
        self._threads.close()

    def stop_at_exit(self) -> None:
        """Stop the Wasm that runs, when the interpreter ends."""
        self._instances.interruption.close()
        for thread in list(self._running.values()):
            thread.end()

    def _stop(self, canister_ids: Iterable[bytes]) -> None:
        """Stop the Wasm of these canisters, drop what it did, and give their instances back."""
        for key in canister_ids:
            outcome = self._ended.pop(key, None)
            thread = self._running.pop(key, None)
            if thread is not None:
                self._instances.interruption.interrupt()
                outcome = thread.end()
            lent = self._lent.pop(key, None)
            if lent is not None:
                lent[0].drop(key, lent[1], self._instances, outcome)


def _let_go(threads: WasmThreads, interrupts: Interrupts) -> None:
    threads.close()
    interrupts.interrupt()
