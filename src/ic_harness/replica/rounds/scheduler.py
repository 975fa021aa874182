"""Rounds: what happens in which order, as tables of steps.

Interface specification, "Abstract behavior"; the shape is that of its `runStep`: each step picks its work and
does it. Theory of operation: a round inducts what came from outside, then makes passes. A pass lets every canister
with work run its execution slice (several in parallel threads), then routes what left the canisters, in the order of
their ids. As on the network, calls between canisters are inducted within the round, so passes follow each other until
no message is left or the instructions of the round are used up; timers and heartbeats run in the first pass only.
Rounds never run beside each other: `round_runner.RoundRunner` sees to that. Same inputs, same state: nothing here asks
a clock or draws randomness.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zlib import crc32

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import Task, WasmThreads
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.interruption import belongs_to, origin_of
from ic_harness.replica.execution.memory_usage import memory_used
from ic_harness.replica.management import ManagementCanister
from ic_harness.replica.rounds import charges, expiry, outcall_answers
from ic_harness.replica.rounds.canister_execution import ExecutionSlice
from ic_harness.replica.rounds.long_work import LongExecution
from ic_harness.replica.rounds.management_queue import ManagementQueue
from ic_harness.replica.rounds.outcall_sources import OutcallSource, RefusingOutcalls
from ic_harness.replica.rounds.round_state import Budget, IngressMessage, RoundState, Used
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import (
    ANSWERING_INSTRUCTIONS,
    EXECUTION_THREADS,
    ROUND_INSTRUCTIONS,
    TURN_INSTRUCTIONS,
    Subnet,
)
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.output_queue import OutputMessage
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Canister,
    FromUser,
    Origin,
    ReplicatedState,
    Request,
)

if TYPE_CHECKING:  # loaded only while a test sets a hook
    from ic_harness.replica.rounds.hooked_execution import HookedExecution

SliceT = TypeVar("SliceT", bound=ExecutionSlice)

_WORTH_A_THREAD: Final = 200_000
"""Instructions a message, about a tenth of a millisecond, from which on a canister's slice runs beside others."""


_ANSWERING: Final = Budget(ingress=TURN_INSTRUCTIONS, total=ANSWERING_INSTRUCTIONS)
_UNLIMITED: Final = Budget(ingress=math.inf, total=math.inf)


class Kind(enum.Enum):
    """How long canisters may work in a round."""

    ANSWERING = enum.auto()
    """A round that ends early for the callers that wait: `TURN_INSTRUCTIONS` of calls from outside."""
    TICK = enum.auto()
    """A round that was asked for: as much as the network's rounds."""
    GATHERED = enum.auto()
    """A round for calls that were gathered for it: all of them begin, whatever they need."""


class Scheduler(RoundState):
    """The state and its rounds. Use it from one thread at a time."""

    def __init__(
        self,
        state: ReplicatedState,
        instances: InstancePool,
        subnet: Subnet,
        management: ManagementCanister,
        *,
        threads: int = 4,
        journaled: bool = False,
        outcalls: OutcallSource | None = None,
        registry: Registry | None = None,
    ) -> None:
        super().__init__(state, instances, subnet, outcalls or RefusingOutcalls(), registry)
        self._management = ManagementQueue(self, management)
        self.journaled = journaled
        self._threads = WasmThreads("ic-harness-execution", threads)
        self._kind = Kind.ANSWERING
        self.hooks: HookedExecution | None = None
        """While a test looks at every message; see `message_hook`."""
        self._first_pass = True
        self._share = 0
        self._beating: set[bytes] = set()
        self._used: dict[bytes, Used] = {}
        self._sliced: set[bytes] = set()
        # Instructions a message of each canister took lately: decides where its slice runs, never what it does.
        self._paces: dict[bytes, int] = {}

    # --- the round ------------------------------------------------------------------------------------------

    def round(self, now_ns: int, kind: Kind = Kind.ANSWERING, *, heartbeats: int = 1) -> StateDelta:
        """Run one round at the given time and give what it changed.

        `heartbeats`: 0 for a round without, 1 for all, n for about one in n of them, in turns by chance that depends on
        the number of the round; then canisters are among them that were called or changed since they had a turn.
        """
        self.state.round += 1
        self.state.time_ns = max(now_ns, self.state.time_ns + 1)
        self._kind, self._share, self._used, self._sliced = kind, heartbeats, {}, set()
        if self.hooks is not None:
            self.hooks.ended = False
        self._do(BEGINNING)
        self._first_pass = True
        self._do(PASS)
        self._first_pass = False
        while self._goes_on():
            self._do(PASS)
        self._do(END)
        changes, self.changes = self.changes, StateDelta()
        return changes

    def _do(self, steps: Iterable[Step]) -> None:
        for step in steps:
            work = step.pick(self)
            if work:
                step.act(self, work)

    def _goes_on(self) -> bool:
        """Whether another pass of the round would do something."""
        if self.instances.interruption.pausing or (self.hooks is not None and self.hooks.ended):
            return False
        managed = self.state.management_queue and self._management.has_work()
        if not (self.leaving or managed or self.due()):
            return False
        return sum(used.total for used in self._used.values()) < EXECUTION_THREADS * self._budget().total

    def has_work(self) -> bool:
        """Whether a round would do something now, without any time passing."""
        return bool(
            self.inbox
            or self.ready
            or self.state.management_queue
            or self.leaving
            or self.long.all
            or (self.state.outcalls and self.outcalls.answered())
        )

    def next_event_ns(self) -> int | None:
        """When something will happen by itself: a timer, a deadline; None when nothing will."""
        earliest = self.expiring.earliest_ns
        if not self.timers:
            return earliest
        timer = min(self.timers.values())
        return timer if earliest is None else min(timer, earliest)

    # --- steps ----------------------------------------------------------------------------------------------

    def expired(self) -> list[tuple[bytes, int]]:
        """Take out of the index what has waited too long."""
        earliest = self.expiring.earliest_ns
        if earliest is None or earliest > self.state.time_ns:
            return []
        return self.expiring.due(self.state.time_ns)

    def expire(self, due: Iterable[tuple[bytes, int]]) -> None:
        """Give up what waited too long: best-effort calls, stop requests, outcalls."""
        for canister_id, number in due:
            if canister_id == MANAGEMENT:
                outcall_answers.expire(self, number)
            else:
                expiry.expire(self, canister_id, number)

    def answer_outcalls(self, numbers: Iterable[int]) -> None:
        """Answer outcalls whose response is there."""
        for number in numbers:
            if not outcall_answers.answer(self, number):
                return

    def induct(self, inbox: deque[IngressMessage]) -> None:
        """Put accepted calls of users and of the host into queues; the same request is taken only once."""
        while inbox:
            incoming = inbox.popleft()
            origin, record = incoming.request.origin, incoming.record
            if isinstance(origin, FromUser) and record is not None:
                if origin.request_id in self.state.requests:
                    continue
                self.state.requests[origin.request_id] = record
                self.changes.requests[origin.request_id] = record
            self.state.updates += 1
            if incoming.expiry_ns is not None and incoming.expiry_ns < self.state.time_ns:
                self.refuse(incoming.request, rejects.ingress_expired())
                continue
            unpaid = charges.charge_ingress(self, incoming)
            if unpaid is not None:
                self.refuse(incoming.request, unpaid)
            else:
                self.enqueue(incoming.request)

    def manage(self, requests: Iterable[Request]) -> None:
        """Let the management canister work through its queue."""
        if self.long.all and self._runs_whole():
            self._finish_long()
        self._management.execute(requests, first_pass=self._first_pass)

    @property
    def most(self) -> int | None:
        """The instructions of a slice; None where messages and installations run to their ends."""
        return None if self._runs_whole() else self.subnet.slice_instructions

    def _abandoned(self, origin: Origin | None) -> bool:
        return belongs_to(origin, self.instances.interruption.abandoned, self.state.canisters)

    def due(self) -> list[Canister]:
        """Canisters that have something to do in this pass, in the order of their ids."""
        canisters = self.state.canisters
        if not self._first_pass:
            if not self.ready:
                return []
            return [
                canisters[canister_id]
                for canister_id in sorted(self.ready)
                if canister_id not in self.long.all
                and canister_id not in self._sliced
                and self._may_go_on(canister_id)
            ]
        now = self.state.time_ns
        self._beating = self._turn(self._share)
        ids = self.ready | self._beating | self.long.all.keys()
        if self.timers:
            ids = ids | {canister_id for canister_id, when in self.timers.items() if when <= now}
        return [canisters[canister_id] for canister_id in sorted(ids)]

    def _turn(self, heartbeats: int) -> set[bytes]:
        """Whose turn it is to have a heartbeat, see `round`."""
        if heartbeats == 0:
            self.stirred |= self.ready
            return set()
        stirred, self.stirred = self.stirred | self.ready, set(self.ready)
        if heartbeats == 1:
            return set(self.heartbeats)
        number = self.state.round.to_bytes(8, "big")
        return {key for key in self.heartbeats if key in stirred or crc32(number + key) % heartbeats == 0}

    def _may_go_on(self, canister_id: bytes) -> bool:
        used, budget = self._used.get(canister_id) or Used(), self._budget()
        if not budget.lasts(used):
            return False
        return any(budget.allows(message, used) for message in self.state.canisters[canister_id].queue)

    def _budget(self) -> Budget:
        if self._kind is Kind.ANSWERING:
            return _ANSWERING
        if self._kind is Kind.GATHERED and self._first_pass:
            return _UNLIMITED
        most = self.subnet.round_instructions or ROUND_INSTRUCTIONS
        return Budget(ingress=most, total=most)

    def execute(self, canisters: list[Canister]) -> None:
        """Run the execution slice of each of these canisters, and a slice of each long execution in the first pass."""
        if self.long.all and self._runs_whole():
            self._finish_long()
        if self.long.all and self._first_pass:
            self.long.next_slices(self.state.canisters)
        rested = canisters
        if self.long.all or self._sliced:
            apart = self.long.all.keys() | self._sliced
            rested = [canister for canister in canisters if canister.id not in apart]
        if self.hooks is not None:
            executions = self._execute_hooked(rested, self.hooks)
        else:
            executions = self._execute_plain(rested)
        if self.long.all and self._first_pass:
            executions += self._resume()
            executions.sort(key=lambda execution: execution.canister.id)
        for execution in executions:
            self._after(execution)

    def _runs_whole(self) -> bool:
        """Whether messages are not sliced: in a round for gathered calls, and where a test chooses the order."""
        gathers = self._kind is Kind.GATHERED and self._first_pass
        return gathers or (self.hooks is not None and self.hooks.hook.chooses)

    def _finish_long(self) -> None:
        """Bring the long executions to their ends now."""
        while self.long.all and not self.instances.interruption.pausing:
            self.long.remove_abandoned(self.state.canisters)
            ended = self.long.finish(self.state.canisters) if self.long.all else None
            for execution in self._bring_to_end(ended) if ended is not None else ():
                self._after(execution)

    def _resume(self) -> list[ExecutionSlice]:
        """Wait for the slices of long executions, and bring those to their ends that have had their last one."""
        done = []
        for execution in self.long.ending(self.state.canisters):
            done += self._bring_to_end(execution)
            self._sliced.add(execution.canister)
        return done

    def _bring_to_end(self, ended: LongExecution) -> list[ExecutionSlice]:
        if ended.installs:
            self._management.end(ended)
            return []
        canister = self.state.canisters[ended.canister]
        kind = ExecutionSlice if self.hooks is None else self.hooks.slice
        execution = self._slice(canister, kind)
        execution.time_ns = ended.time_ns
        known = ended.recalled(self.long.take(canister.id))
        if not execution.resume(ended, known) and execution.paused is None:
            self.long.add(replace(ended, slices=ended.slices - 1))  # rounds give way: again in the next one
        return [execution]

    def _execute_plain(self, canisters: list[Canister]) -> list[ExecutionSlice]:
        executions = [self._slice(canister, ExecutionSlice) for canister in canisters]
        if len(executions) == 1:
            self._run(executions[0])
            return executions
        # Longest first; the last stays on this thread, as do light ones: waking another would cost more than it saves.
        ordered = sorted(executions, key=self._pace, reverse=True)
        heavy = sum(self._pace(execution) >= _WORTH_A_THREAD for execution in ordered)
        apart = min(heavy, len(ordered) - 1)
        running = [Task(partial(self._run, execution)) for execution in ordered[:apart]]
        for task in running:
            self._threads.submit(task)
        for execution in ordered[apart:]:
            self._run(execution)
        for task in running:
            task.result()
        return executions

    def _execute_hooked(self, canisters: list[Canister], hooks: HookedExecution) -> list[ExecutionSlice]:
        slices = [self._slice(canister, hooks.slice) for canister in canisters]
        if not hooks.hook.chooses:
            for execution in slices:
                self._run(execution)
        else:
            if self._first_pass:
                for execution in slices:
                    beating = hooks.hook.heartbeats and execution.canister.id in self._beating
                    execution.run_tasks(heartbeat=beating)
            self.state.management_queue.extend(hooks.run(slices))
        return list(slices)

    def _slice(self, canister: Canister, make: Callable[..., SliceT]) -> SliceT:
        return make(
            canister,
            self.instances,
            self.subnet,
            self.state.time_ns,
            self.journaled,
            lambda message, canister: self._abandoned(origin_of(message, canister)),
            used=self._used.setdefault(canister.id, Used()),
            taken=self.memory_taken,
            most=self.most,
        )

    def _pace(self, execution: ExecutionSlice) -> int:
        return self._paces.get(execution.canister.id, 0)

    def _run(self, execution: ExecutionSlice) -> None:
        beating = execution.canister.id in self._beating
        execution.run(self._budget(), tasks=self._first_pass, heartbeat=beating)

    def _after(self, execution: ExecutionSlice) -> None:
        canister = execution.canister
        self.leaving += execution.outputs
        self.changes.canisters.add(canister.id)
        if execution.diffs:
            self.changes.pages += [(canister.id, diff) for diff in execution.diffs]
        measures = execution.measures
        if measures:
            self._paces[canister.id] = sum([measure.instructions for measure in measures]) // len(measures)
            self.changes.measures += [(canister.id, measure) for measure in measures]
        self.state.consumed_cycles += execution.account.consumed
        if execution.remembers:
            canister.memory_used = memory_used(canister, self.instances)
        self.count_memory(canister)
        if not canister.queue:
            self.ready.discard(canister.id)
        if canister.calls:
            self.expiring.note(canister)
        self.watch(canister)
        if execution.starved:
            self.rest(canister)
        if execution.paused is not None:
            self.long.add(execution.paused)

    def route(self, leaving: list[OutputMessage]) -> None:
        """Bring calls to their callees and answers to their callers."""
        self.leaving = []
        for item in leaving:
            if isinstance(item, Request):
                self.enqueue(item)
            else:
                self.deliver(item)

    def settle_stops(self, stopping: Iterable[bytes]) -> None:
        """Stop canisters that wait for nothing any more, and answer the stop requests."""
        expiry.settle_stops(self, stopping)

    def forget(self, old: Iterable[bytes]) -> None:
        """Forget requests whose time is over."""
        for request_id in old:
            del self.state.requests[request_id]
            self.changes.requests[request_id] = None

    def old_requests(self) -> list[bytes]:
        """Requests that finished and need not be known any more; looked for every 64 rounds only."""
        if self.state.round % 64:
            return []
        now = self.state.time_ns
        return [
            request_id
            for request_id, record in self.state.requests.items()
            if record.answer is not None and record.forget_ns < now
        ]

    def release_threads(self) -> None:
        """End the worker threads until the next round, of which there may be none."""
        self.long.abort()
        self._threads.rest()

    def close(self) -> None:
        """End the worker threads; no round may run any more."""
        self.long.close()
        self._threads.close()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a round: `pick` finds its work, `act` does it if there is any."""

    name: str
    pick: Callable[[Scheduler], Any]
    act: Callable[[Scheduler, Any], None]


BEGINNING: Final[tuple[Step, ...]] = (
    Step("charge", charges.due, charges.charge),
    Step("expire", Scheduler.expired, Scheduler.expire),
    Step("induct", lambda s: s.inbox, Scheduler.induct),
)
"""What happens once, at the beginning of a round."""
PASS: Final[tuple[Step, ...]] = (
    Step("outcalls", lambda s: s.outcalls.answered() if s.state.outcalls else (), Scheduler.answer_outcalls),
    Step("manage", lambda s: s.state.management_queue, Scheduler.manage),
    Step("execute", Scheduler.due, Scheduler.execute),
    Step("stop", lambda s: s.stopping, Scheduler.settle_stops),
    Step("route", lambda s: s.leaving, Scheduler.route),
)
"""One pass, of which a round has as many as there is work for."""
END: Final[tuple[Step, ...]] = (
    Step("send", lambda s: s.outgoing, Scheduler.send),
    Step("forget", Scheduler.old_requests, Scheduler.forget),
)
"""What happens once, at the end of a round."""
