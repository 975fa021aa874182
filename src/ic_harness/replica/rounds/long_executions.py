"""Messages that need more than one slice: they take several rounds, and other canisters go on meanwhile.

As in DFINITY's replica ("deterministic time slicing"): a message that does not end within the instructions of a slice
pauses, goes on in the next round, and so on. Nobody sees anything of it before it ends: it stays in its canister's
queue, queries and snapshots find the state before it, and no other message or management call of the canister runs.

Theory of operation. In how many rounds a message ends follows from its instructions alone: a slice for each. So the
Wasm need not be stopped where a slice ends. A message that exceeds its first slice is rolled back, and runs again on a
thread of its own, as far as it comes; every round waits until it has either ended or certainly executed more than the
slices that it had so far (`Progress`). The round that has its last slice takes the outcome and does the rest of the
message as if it had run just then. Whatever interrupts the thread costs time and changes nothing: the message runs
again from its start, up to the slices that it had.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ic_harness.replica.execution import (
    Entry,
    Instance,
    Interrupted,
    Interrupts,
    Outcome,
    Progress,
    Task,
    WasmThreads,
    stop_at_exit,
)
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.interface import Environment
from ic_harness.replica.state.config import LONG_EXECUTIONS
from ic_harness.replica.state.replicated_state import Canister, Message

_LOOK_S: Final = 0.002
"""How often a round looks how far a message is: the engine tells nobody."""


@dataclass(frozen=True, slots=True)
class WasmCall:
    """A run of Wasm for a message. `before` are the bytes of the canister's memories when the message began."""

    entry: Entry
    env: Environment
    before: int


@dataclass(frozen=True, slots=True)
class Known:
    """The outcome of a run of Wasm that need not be made again; or what it raised, which was our own bug."""

    outcome: Outcome | Exception
    before: int

    def get(self) -> Outcome:
        """Return the outcome, or raise what there was instead."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Exhausted(Exception):  # noqa: N818 - not an error: the message becomes a long one
    """A message did not end within its first slice, in `call`."""

    def __init__(self, call: WasmCall) -> None:
        super().__init__()
        self.call = call


@dataclass(slots=True, kw_only=True)
class LongExecution:
    """A message, or a task by name (`message` None), that takes several rounds; `slices` is how many it had so far.

    `time_ns` is when it began, which is the time that it sees. `known` are runs of Wasm that the message has behind it,
    such as a callback that trapped before its cleanup.
    """

    canister: bytes
    message: Message | None
    task: str
    time_ns: int
    call: WasmCall
    known: tuple[Known, ...] = ()
    slices: int = 1


class _Thread:
    """The Wasm of a long execution, on a thread of its own."""

    def __init__(self, own: Instance, call: WasmCall, since: int, threads: WasmThreads) -> None:
        progress = Progress()
        self.progress = progress
        self.task: Task[Outcome] = Task(lambda: own.run(call.entry, call.env, since, progress=progress))
        threads.submit(self.task)

    def end(self) -> Outcome | Exception:
        """Wait for the end."""
        try:
            return self.task.result()
        except Exception as problem:  # noqa: BLE001  an interrupt, or a bug of ours: for who takes the outcome
            return problem


class LongExecutions:
    """The long executions of a subnet. At most `LONG_EXECUTIONS` have slices; others wait in their order.

    Used by the owner of the state; `stop_at_exit` by any thread.
    """

    def __init__(self, instances: InstancePool, slice_instructions: int) -> None:
        self._instances = instances
        self._slice = slice_instructions
        self.all: dict[bytes, LongExecution] = {}
        """By canister. Every round looks at it, and most find it empty."""
        self._lent: dict[bytes, Instance] = {}
        self._running: dict[bytes, _Thread] = {}
        self._ended: dict[bytes, Outcome | Exception] = {}
        self._threads = WasmThreads("ic-harness-long-execution", LONG_EXECUTIONS)
        # A replica that is forgotten without `close` leaves no thread.
        weakref.finalize(self, _let_go, self._threads, instances.engine.interrupts).atexit = False

    def add(self, execution: LongExecution) -> None:
        """Begin a long execution, which has had its first slice."""
        self.all[execution.canister] = execution

    def next_slices(self, canisters: dict[bytes, Canister]) -> None:
        """Give another slice to those whose turn it is, and let them run."""
        if not self.all:
            return
        stop_at_exit(self)
        for canister_id in list(self.all)[:LONG_EXECUTIONS]:
            self.all[canister_id].slices += 1
            self._run(canisters[canister_id])

    def _run(self, canister: Canister) -> None:
        key = canister.id
        if key in self._running or key in self._ended:
            return
        if key not in self._lent:
            with self._instances.lock(key):
                self._lent[key] = self._instances.lend(canister)
        since = self._instances.interruption.interrupts.count
        self._running[key] = _Thread(self._lent[key], self.all[key].call, since, self._threads)

    def ending(self, canisters: dict[bytes, Canister]) -> list[LongExecution]:
        """Wait until those that have a slice in this round are through with it; returns those that end in it."""
        active = list(self.all)[:LONG_EXECUTIONS]
        return [
            self.all[key] for key in active if self._ends(canisters[key], self.all[key].slices * self._slice)
        ]

    def finish(self, canister: Canister) -> LongExecution:
        """Run a long execution to its end, whatever slices that takes."""
        while not self._ends(canister, None) and not self._instances.interruption.pausing:
            pass
        return self.all[canister.id]

    def _ends(self, canister: Canister, most: int | None) -> bool:
        """Whether an execution ends within `most` instructions; False also when rounds must give way."""
        key, interruption = canister.id, self._instances.interruption
        while key not in self._ended:
            if interruption.pausing:
                return False
            self._run(canister)
            thread = self._running[key]
            while not thread.task.ends_within(_LOOK_S):
                if most is not None and thread.progress.at_least() > most:
                    return False
            del self._running[key]
            outcome = thread.end()
            if not isinstance(outcome, Interrupted):
                self._ended[key] = outcome
        outcome = self._ended[key]
        return isinstance(outcome, Exception) or most is None or outcome.instructions <= most

    def take(self, canister_id: bytes) -> tuple[Known, ...]:
        """Give back the instance of an execution that ended, and return the outcomes of all its runs of Wasm."""
        execution = self.all[canister_id]
        outcome = Known(self._ended[canister_id], execution.call.before)
        with self._instances.lock(canister_id):
            self._instances.take_back(canister_id, self._lent.pop(canister_id))
        return (*execution.known, outcome)

    def has_ended(self, canister_id: bytes) -> bool:
        """Whether the Wasm of an execution is at its end."""
        return canister_id in self._ended

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
            thread = self._running.pop(key, None)
            if thread is not None:
                self._instances.interruption.interrupt()
                thread.end()
            self._ended.pop(key, None)
            own = self._lent.pop(key, None)
            if own is not None:
                with self._instances.lock(key):
                    own.rollback()
                    self._instances.take_back(key, own)


def _let_go(threads: WasmThreads, interrupts: Interrupts) -> None:
    threads.close()
    interrupts.interrupt()
