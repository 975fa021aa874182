"""Rounds: what happens in which order, as tables of steps.

Interface specification, "Abstract behavior"; the shape is that of its `runStep`: each step picks its work and
does it. Theory of operation: a round inducts what came from outside, then makes passes. A pass lets every canister
with work have its turn (several in parallel threads), then routes what left the canisters, in the order of their
ids. As on the network, calls between canisters are inducted within the round, so passes follow each other until
no message is left or the instructions of the round are used up; timers and heartbeats run in the first pass only.
Rounds never run beside each other: `driver.Driver` sees to that. Same inputs, same world: nothing here asks
a clock or draws randomness.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from ic_harness.replica import deadlines, outcall_answers, rejects
from ic_harness.replica.attempt import Budget, Used
from ic_harness.replica.config import (
    ANSWERING_INSTRUCTIONS,
    EXECUTION_THREADS,
    KEEP_ANSWERS,
    QUEUE_CAPACITY,
    ROUND_INSTRUCTIONS,
    TURN_INSTRUCTIONS,
    Subnet,
)
from ic_harness.replica.effects import Answered, Leaving
from ic_harness.replica.execution import Interrupted, Task, WasmThreads
from ic_harness.replica.interruption import LOG, belongs_to, origin_of
from ic_harness.replica.machine import Machine
from ic_harness.replica.outcalls import OutcallSource, RefusingOutcalls
from ic_harness.replica.turn import Measure, Pages, Turn
from ic_harness.replica.world import (
    MANAGEMENT,
    Answer,
    Canister,
    FromCanister,
    FromHost,
    FromUser,
    Origin,
    Outcall,
    Request,
    RequestRecord,
    Response,
    Status,
    World,
)

_WORTH_A_THREAD: Final = 200_000
"""Instructions a message, about a tenth of a millisecond, from which on a canister's turn runs beside others."""


@dataclass(slots=True)
class Changes:
    """What a round changed, for journal and certifier; ids of canisters, None for what is gone."""

    canisters: set[bytes] = field(default_factory=set)
    requests: dict[bytes, RequestRecord | None] = field(default_factory=dict)
    pages: list[tuple[bytes, Pages]] = field(default_factory=list)
    replaced: set[bytes] = field(default_factory=set)  # memory changed as a whole (install, load, delete)
    outcalls: dict[int, Outcall | None] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)  # by ticket of the host
    measures: list[tuple[bytes, Measure]] = field(default_factory=list)


class Kind(enum.Enum):
    """How long canisters may work in a round."""

    ANSWERING = enum.auto()
    """A round that ends early for the callers who wait: `TURN_INSTRUCTIONS` of calls from outside."""
    TICK = enum.auto()
    """A round that was asked for: as much as the network's rounds."""
    GATHERED = enum.auto()
    """A round for calls that were gathered for it: all of them begin, whatever they need."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call from outside. A user's call brings its record and the time after which it must not begin."""

    request: Request
    record: RequestRecord | None = None
    expiry_ns: int | None = None


class Management(Protocol):
    """What the scheduler needs of the management canister."""

    def execute(self, scheduler: Scheduler, request: Request) -> None:
        """Execute one call; its answer goes into `scheduler.leaving`, now or in a later round."""


class Scheduler:
    """The world and its rounds. Use it from one thread at a time."""

    def __init__(
        self,
        world: World,
        machine: Machine,
        subnet: Subnet,
        management: Management,
        *,
        threads: int = 4,
        journaled: bool = False,
        outcalls: OutcallSource | None = None,
    ) -> None:
        self.world = world
        self.machine = machine
        self.subnet = subnet
        self.management = management
        self.journaled = journaled
        self.outcalls: OutcallSource = outcalls or RefusingOutcalls()
        self.changes = Changes()
        self.leaving: list[Leaving] = []
        # Callers put into it while a round may be running: only append and popleft are used.
        self.inbox: deque[Incoming] = deque()
        self._threads = WasmThreads("ic-harness-turn", threads)
        self._kind = Kind.ANSWERING
        self._first_pass = True
        self._beating = False
        self._used: dict[bytes, Used] = {}
        self.since = 0
        # Instructions a message of each canister took lately: decides where its turn runs, never what it does.
        self._paces: dict[bytes, int] = {}
        self.reindex()

    def adopt(self, world: World) -> None:
        """Go on with another world; what was on its way in the present one is dropped."""
        self.world = world
        self.inbox.clear()
        self.leaving = []
        self.changes = Changes()
        self.reindex()

    def reindex(self) -> None:
        """Find out who has work, after the world was loaded or replaced."""
        canisters = self.world.canisters.values()
        self.ready: set[bytes] = {canister.id for canister in canisters if canister.queue}
        self.timers: dict[bytes, int] = {}
        self.heartbeats: set[bytes] = set()
        self.stopping: set[bytes] = {c.id for c in canisters if c.status is Status.STOPPING}
        self.expiring = deadlines.index(canisters)
        self.take_source(self.outcalls)
        for canister in canisters:
            self.watch(canister)

    def take_source(self, source: OutcallSource) -> None:
        """Let `source` answer outcalls, also those that are under way."""
        source.replaced()
        self.outcalls = source
        for outcall in self.world.outcalls.values():
            self.begin_outcall(outcall)

    def begin_outcall(self, outcall: Outcall) -> None:
        """Hand an outcall to who answers it, and note when it is given up."""
        self.expiring.add(outcall.deadline_ns, MANAGEMENT, outcall.number)
        self.outcalls.begin(outcall)

    def watch(self, canister: Canister) -> None:
        """Note what wakes this canister by itself: a timer, a heartbeat, the low-memory hook."""
        self.timers.pop(canister.id, None)
        self.heartbeats.discard(canister.id)
        if not canister.installed or canister.status is not Status.RUNNING:
            return
        if canister.low_memory_hook == "ready":
            self.ready.add(canister.id)
        if canister.global_timer_ns:
            self.timers[canister.id] = canister.global_timer_ns
        if self.machine.module(canister).has("canister_heartbeat"):
            self.heartbeats.add(canister.id)

    # --- the round ------------------------------------------------------------------------------------------

    def round(self, now_ns: int, kind: Kind = Kind.ANSWERING, *, heartbeats: bool = True) -> Changes:
        """Run one round at the given time and give what it changed."""
        self.world.round += 1
        self.world.time_ns = max(now_ns, self.world.time_ns + 1)
        self._kind, self._beating, self._used = kind, heartbeats, {}
        self._do(BEGINNING)
        self._first_pass = True
        self._do(PASS)
        self._first_pass = False
        while self._goes_on():
            self._do(PASS)
        self._do(END)
        changes, self.changes = self.changes, Changes()
        return changes

    def _do(self, steps: Iterable[Step]) -> None:
        for step in steps:
            work = step.pick(self)
            if work:
                step.act(self, work)

    def _goes_on(self) -> bool:
        """Whether another pass of the round would do something."""
        if self.machine.interruption.pausing:
            return False
        if sum(used.total for used in self._used.values()) >= EXECUTION_THREADS * self._budget().total:
            return False
        return bool(self.leaving or self.world.management_queue or self.due())

    def has_work(self) -> bool:
        """Whether a round would do something now, without any time passing."""
        return bool(
            self.inbox
            or self.ready
            or self.world.management_queue
            or self.leaving
            or (self.world.outcalls and self.outcalls.answered())
        )

    def next_event_ns(self) -> int | None:
        """When something will happen by itself: a timer, a deadline; None when nothing will."""
        times = [*self.timers.values()]
        due = self.expiring.next_ns()
        if due is not None:
            times.append(due)
        return min(times, default=None)

    def touch(self, canister: Canister) -> None:
        """Note that a canister changed outside its turn."""
        self.changes.canisters.add(canister.id)

    # --- steps ----------------------------------------------------------------------------------------------

    def expire(self, due: Iterable[tuple[bytes, int]]) -> None:
        """Give up what waited too long: best-effort calls, stop requests."""
        for canister_id, number in due:
            if canister_id == MANAGEMENT:
                outcall_answers.expire(self, number)
            else:
                deadlines.expire(self, canister_id, number)

    def answer_outcalls(self, numbers: Iterable[int]) -> None:
        """Answer outcalls whose response is there."""
        for number in numbers:
            if not outcall_answers.answer(self, number):
                return

    def induct(self, inbox: deque[Incoming]) -> None:
        """Put accepted calls of users and of the host into queues; the same request is taken only once."""
        while inbox:
            incoming = inbox.popleft()
            origin, record = incoming.request.origin, incoming.record
            if isinstance(origin, FromUser) and record is not None:
                if origin.request_id in self.world.requests:
                    continue
                self.world.requests[origin.request_id] = record
                self.changes.requests[origin.request_id] = record
            self.world.updates += 1
            if incoming.expiry_ns is not None and incoming.expiry_ns < self.world.time_ns:
                self.refuse(incoming.request, rejects.ingress_expired())
            else:
                self._enqueue(incoming.request)

    def manage(self, requests: Iterable[Request]) -> None:
        """Let the management canister work through its queue."""
        batch = deque(requests)
        self.world.management_queue.clear()
        while batch:
            if not self._manage(batch[0]):
                break
            batch.popleft()
        self.world.management_queue.extendleft(reversed(batch))

    def _manage(self, request: Request) -> bool:
        """Execute one management call; False when rounds must give way, and nothing of it was done."""
        interruption = self.machine.interruption
        before = len(self.leaving)
        while True:
            self.since = interruption.count
            if interruption.pausing:
                return False
            if interruption.abandoned and self._abandoned(request.origin):
                self.refuse(request, rejects.interrupted())
                return True
            try:
                self.management.execute(self, request)
            except Interrupted:
                continue
            except Exception as problem:  # noqa: BLE001  it must cost one message, not the network
                LOG.exception("%s of the management canister failed inside the replica", request.method)
                del self.leaving[before:]
                self.refuse(request, rejects.internal(problem))
            return True

    def _abandoned(self, origin: Origin | None) -> bool:
        return belongs_to(origin, self.machine.interruption.abandoned, self.world.canisters)

    def due(self) -> list[Canister]:
        """Canisters that have something to do in this pass, in the order of their ids."""
        canisters = self.world.canisters
        if not self._first_pass:
            return [
                canisters[canister_id] for canister_id in sorted(self.ready) if self._may_go_on(canister_id)
            ]
        now = self.world.time_ns
        ids = self.ready | self.heartbeats if self._beating else self.ready
        if self.timers:
            ids = ids | {canister_id for canister_id, when in self.timers.items() if when <= now}
        return [canisters[canister_id] for canister_id in sorted(ids)]

    def _may_go_on(self, canister_id: bytes) -> bool:
        used, budget = self._used.get(canister_id) or Used(), self._budget()
        if not budget.lasts(used):
            return False
        return any(budget.allows(message, used) for message in self.world.canisters[canister_id].queue)

    def _budget(self) -> Budget:
        if self._kind is Kind.ANSWERING:
            return Budget(ingress=TURN_INSTRUCTIONS, total=ANSWERING_INSTRUCTIONS)
        if self._kind is Kind.GATHERED and self._first_pass:
            return Budget(ingress=math.inf, total=math.inf)
        return Budget(ingress=ROUND_INSTRUCTIONS, total=ROUND_INSTRUCTIONS)

    def take_turns(self, canisters: list[Canister]) -> None:
        """Give each of these canisters its turn."""
        turns = [
            Turn(
                canister,
                self.machine,
                self.subnet,
                self.world.time_ns,
                self.journaled,
                lambda message, canister: self._abandoned(origin_of(message, canister)),
                used=self._used.setdefault(canister.id, Used()),
            )
            for canister in canisters
        ]
        # Longest first; the last stays on this thread, as do light ones: waking another would cost more than it gives.
        ordered = sorted(turns, key=self._pace, reverse=True)
        heavy = sum(self._pace(turn) >= _WORTH_A_THREAD for turn in ordered)
        apart = min(heavy, len(ordered) - 1)
        running = [Task(partial(self._run, turn)) for turn in ordered[:apart]]
        for task in running:
            self._threads.submit(task)
        for turn in ordered[apart:]:
            self._run(turn)
        for task in running:
            task.result()
        for turn in turns:
            self._after(turn)

    def _pace(self, turn: Turn) -> int:
        return self._paces.get(turn.canister.id, 0)

    def _run(self, turn: Turn) -> None:
        beating = self._beating and turn.canister.id in self.heartbeats
        turn.run(self._budget(), tasks=self._first_pass, heartbeat=beating)

    def _after(self, turn: Turn) -> None:
        canister = turn.canister
        self.leaving += turn.outbox.items
        self.changes.canisters.add(canister.id)
        self.changes.pages += [(canister.id, diff) for diff in turn.diffs]
        if turn.measures:
            self._paces[canister.id] = sum(m.instructions for m in turn.measures) // len(turn.measures)
        self.changes.measures += [(canister.id, measure) for measure in turn.measures]
        if not canister.queue:
            self.ready.discard(canister.id)
        self.expiring.note(canister)
        self.watch(canister)

    def route(self, leaving: list[Leaving]) -> None:
        """Bring calls to their callees and answers to their callers."""
        self.leaving = []
        for item in leaving:
            if isinstance(item, Request):
                self._enqueue(item)
            else:
                self._deliver(item)

    def _enqueue(self, request: Request) -> None:
        if request.callee in {MANAGEMENT, self.subnet.id}:
            self.world.management_queue.append(request)
            return
        callee = self.world.canisters.get(request.callee)
        if callee is None:
            known = self.subnet.hosts(request.callee) or not isinstance(request.origin, FromCanister)
            self.refuse(request, (rejects.canister_not_found if known else rejects.no_route)(request.callee))
        elif not isinstance(request.origin, FromCanister) and len(callee.queue) >= 4 * QUEUE_CAPACITY:
            self.refuse(request, rejects.queue_full(callee.id))
        else:
            callee.queue.append(request)
            self.ready.add(callee.id)
            self.touch(callee)

    def refuse(self, request: Request, answer: Answer) -> None:
        """Answer a call that never began, with all its cycles."""
        self._deliver(Answered(request.origin, answer, request.cycles))

    def _deliver(self, item: Answered) -> None:
        match item.origin:
            case FromUser(request_id):
                self._record(request_id, item.answer)
            case FromHost(ticket):
                self.changes.answers[ticket] = item.answer
            case FromCanister(caller_id, call):
                caller = self.world.canisters.get(caller_id)
                if caller is not None:
                    caller.queue.append(
                        Response(to=caller_id, call=call, answer=item.answer, refund=item.refund)
                    )
                    self.ready.add(caller_id)
                    self.touch(caller)

    def _record(self, request_id: bytes, answer: Answer) -> None:
        known = self.world.requests.get(request_id)
        if known is None:
            return
        record = RequestRecord(
            sender=known.sender,
            effective_id=known.effective_id,
            canister=known.canister,
            forget_ns=max(known.forget_ns, self.world.time_ns + KEEP_ANSWERS),
            answer=answer,
        )
        self.world.requests[request_id] = self.changes.requests[request_id] = record

    def settle_stops(self, stopping: Iterable[bytes]) -> None:
        """Stop canisters that wait for nothing any more, and answer who asked for it."""
        deadlines.settle_stops(self, stopping)

    def forget(self, old: Iterable[bytes]) -> None:
        """Forget requests whose time is over."""
        for request_id in old:
            del self.world.requests[request_id]
            self.changes.requests[request_id] = None

    def old_requests(self) -> list[bytes]:
        """Requests that finished and need not be known any more; looked for every 64 rounds only."""
        if self.world.round % 64:
            return []
        now = self.world.time_ns
        return [
            request_id
            for request_id, record in self.world.requests.items()
            if record.answer is not None and record.forget_ns < now
        ]

    def close(self) -> None:
        """End the worker threads; no round may run any more."""
        self._threads.close()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a round: `pick` finds its work, `act` does it if there is any."""

    name: str
    pick: Callable[[Scheduler], Any]
    act: Callable[[Scheduler, Any], None]


BEGINNING: Final[tuple[Step, ...]] = (
    Step("expire", lambda s: s.expiring.due(s.world.time_ns), Scheduler.expire),
    Step("induct", lambda s: s.inbox, Scheduler.induct),
)
"""What happens once, at the beginning of a round."""
PASS: Final[tuple[Step, ...]] = (
    Step("outcalls", lambda s: s.outcalls.answered() if s.world.outcalls else (), Scheduler.answer_outcalls),
    Step("manage", lambda s: s.world.management_queue, Scheduler.manage),
    Step("take turns", Scheduler.due, Scheduler.take_turns),
    Step("stop", lambda s: s.stopping, Scheduler.settle_stops),
    Step("route", lambda s: s.leaving, Scheduler.route),
)
"""One pass, of which a round has as many as there is work for."""
END: Final[tuple[Step, ...]] = (Step("forget", Scheduler.old_requests, Scheduler.forget),)
"""What happens once, at the end of a round."""
