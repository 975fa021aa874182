"""The owner of the replicated state: one thread that runs rounds, and executes commands between them.

Theory of operation. Everything that reads the state as a whole or changes it reaches the owner as a command through
one first-in-first-out queue: calls, snapshots, restore, time, faults, stop. The owner alternates:

    execute the commands that are waiting  ->  run a round, if one is due  ->  complete what the round answered
          ^                                                                                            |
          +------------------------------------ sleep until the next command or event ----------------+

A round is journalled, certified and published before `Completion`s of its calls complete, so no caller can see an
answer that is not on disk, or that its certificate does not hold. Commands run between rounds, where the state that
is published is the state that there is.

Callers wait for their bells (see `ic_harness.waiting`), on whatever thread they are; a signal interrupts them at once.
A caller that was interrupted abandons its call: Wasm that runs is stopped (see `interruption`), and the owner goes on.

When is a round due? With a background (time goes on by itself) as soon as there is work; when only canisters keep
themselves busy and no caller waits, every tenth of a second after the first few (`pacing`). Heartbeats run in rounds
that calls from outside bring about, and once an interval. Without a background only when a caller waits, or for `tick`.

The thread (`owner_thread`) starts with the first command.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ic_harness import waiting
from ic_harness.errors import HarnessError, ReplicaError
from ic_harness.replica.execution import SharedProcessor, Task, start_thread, stop_at_exit
from ic_harness.replica.execution.interruption import CLOSING, LOG, Interruption
from ic_harness.replica.rounds.completions import Completion, Completions, answered
from ic_harness.replica.rounds.joint_rounds import JointRounds
from ic_harness.replica.rounds.owner_thread import serve
from ic_harness.replica.rounds.pacing import Pacing
from ic_harness.replica.rounds.round_limit import RoundLimit
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.rounds.scheduler import Kind, Scheduler
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.replicated_state import FromUser, Origin
from ic_harness.units import SECOND

T = TypeVar("T")
NOTHING_LEFT = "nothing is left to do that could answer this call (advance the time for timers and deadlines)"


class RoundRunner:
    """Runs rounds of a scheduler, one at a time, on a thread of its own.

    `publish` makes the changes of a round known before any caller sees an answer. `background` lets rounds run
    that no caller waits for; `interval_s` is how often canisters with a heartbeat are woken.
    """

    def __init__(
        self,
        scheduler: Scheduler | JointRounds,
        clock: Clock,
        publish: Callable[[StateDelta], None],
        *,
        background: bool,
        interval_s: float,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._publish = publish
        self._background = background
        self._interval_ns = int(interval_s * SECOND)
        self._commands: deque[Callable[[], None]] = deque()
        self._bell = waiting.new_bell()
        self._completions = Completions()
        self._processor = SharedProcessor()
        self._ownership = threading.Lock()
        self._thread: threading.Thread | None = None
        self._held = self._gathering = False
        self._closed = self._over = self._submitted = False
        self._failure: BaseException | None = None
        self._pacing = Pacing()
        self._gathered: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.heartbeat_ns = scheduler.state.time_ns
        """When heartbeats ran last."""
        self.run_round: Callable[..., StateDelta] = scheduler.round
        """Runs a round of the scheduler; a recorder of rounds puts itself in between."""

    # --- for callers, on any thread -------------------------------------------------------------------------

    def post(self, command: Callable[[], None]) -> None:
        """Let the owner execute a command that cannot fail, without waiting for it."""
        self._check()
        self._put(command)
        if self._thread is None:
            self._start()
        if self._over:
            self._flush()

    def _put(self, command: Callable[[], None]) -> None:
        try:
            self._commands.append(command)
        finally:  # also when a signal's handler raises
            if self._bell.asleep:
                self._bell.ring()

    def call(self, action: Callable[[], T], *, urgent: bool = False) -> T:
        """Run `action` between rounds, on the owner's thread, and wait for it.

        `urgent` lets a running round give way: its messages go back into their queues. A caller that is
        interrupted leaves at once; what has begun is finished without it.
        """
        if threading.current_thread() is self._thread:
            return action()
        task = Task(action)
        try:
            self._processor.share()
            self.post(lambda: self._execute(task))
            if urgent:
                self._give_way(task)
            self._processor.yield_until(task.has_ended)
            return task.result()
        except BaseException:
            if task.give_up():  # a round that was asked for has no reader any more
                self._give_way(task)
            raise

    def submit(self, incoming: IngressMessage, *, wake: bool = False) -> Completion:
        """Submit a call from outside without waiting; the result completes when its answer is published.

        `wake` lets a round run soon although no caller waits.
        """
        completion = Completion(incoming.request.origin)
        self.post(lambda: self._accept(incoming, completion, attended=False, wake=wake))
        return completion

    def perform(self, incoming: IngressMessage, timeout_s: float | None) -> Completion | None:
        """Submit a call from outside and wait for it; None when there was no answer in time. See `wait`."""
        completion = Completion(incoming.request.origin, patient=timeout_s is None)
        return self._await(
            completion, lambda: self._accept(incoming, completion, attended=True, wake=False), timeout_s
        )

    def wait(self, completion: Completion, timeout_s: float | None) -> Completion | None:
        """Wait for a call that was submitted; None when there was no answer in time.

        There is none either when nothing is left that could bring it; without a timeout that is a `ReplicaError`,
        as is a replica that stops. Whatever a signal handler raises abandons the call and is passed on.
        """
        completion.prepare(patient=timeout_s is None)
        return self._await(completion, lambda: self._completions.attend(completion), timeout_s)

    def _await(
        self, completion: Completion, announce: Callable[[], None], timeout_s: float | None
    ) -> Completion | None:
        try:
            if not completion.done:
                self._processor.share()
                self.post(announce)
                self._processor.yield_until(completion.has_news)
            return self._result(completion, timeout_s)
        except BaseException as reason:
            if not isinstance(reason, ReplicaError):
                self._abandon(completion)
            raise

    def _result(self, completion: Completion, timeout_s: float | None) -> Completion | None:
        if not completion.wait(timeout_s):
            self._put(lambda: self._leave(completion))
        if completion.done:
            if completion.failure is not None:
                raise completion.failure
            return completion
        if completion.stuck and completion.patient:
            raise ReplicaError(completion.stuck)
        return None

    def refresh(self, max_age_ns: int, certified_ns: Callable[[], int]) -> None:
        """Bring the certified state to within `max_age_ns` of the clock, by a round if need be."""
        self._check()
        if self._held:
            return
        if not self._background or abs(self._clock.now_ns() - certified_ns()) > max_age_ns:
            self.call(lambda: self._refresh(max_age_ns, certified_ns))

    def gather(self, complete: Callable[[], bool]) -> None:
        """While rounds are held: sleep until `complete`, which submitted messages or `nudge` bring about."""
        while not complete():
            self._check()
            waiting.get(self._gathered)

    def nudge(self) -> None:
        """Let `gather` look again."""
        self._gathered.put(None)

    # --- for the test network's owner -----------------------------------------------------------------------

    def hold(self) -> None:
        """Run no more rounds until `release`, except those that `tick` asks for."""
        self.call(lambda: self.set_held(held=True))

    @property
    def is_held(self) -> bool:
        """Whether rounds are held."""
        return self._held

    def release(self) -> None:
        """Let rounds run again: at once, so that no interrupt can come between, and after a `hold` that runs now."""
        self.set_held(held=False)
        self._put(lambda: self.set_held(held=False))

    def set_held(self, *, held: bool, gathering: bool = False) -> None:
        """Hold rounds or let them run; for commands. `gathering`: callers wait for a round that will come."""
        self._held, self._gathering = held, gathering

    def reconsider(self) -> None:
        """Look again what is due: the clock was set, or an outcall was answered. May be called from any thread."""
        self.post(_nothing)

    def tick(self, rounds: int = 1, kind: Kind = Kind.TICK, *, heartbeats: int = 1) -> None:
        """Run this many rounds now, whether there is work or not."""
        for _ in range(rounds):
            self.call(lambda: self._round(kind, heartbeats=heartbeats))

    def settle(self, most: int) -> bool:
        """Run rounds until no work and no timer is due, at most so many, none while held; returns whether it is so."""
        return self.call(lambda: self._settle_down(most))

    def _settle_down(self, most: int) -> bool:
        # What becomes due while this runs, in real time, does not count: frequent timers would never let it end.
        began = self._clock.now_ns()
        left = 0 if self._held else most
        while not self._is_settled(began) and left:
            self._round()
            left -= 1
        return self._is_settled(began)

    def _is_settled(self, began_ns: int) -> bool:
        due, now = self._scheduler.next_event_ns(), max(began_ns, self._scheduler.state.time_ns)
        return not self._scheduler.has_work() and (due is None or due > now)

    def forget_calls(self, why: str) -> None:
        """Fail every call that is under way, because the state was replaced; for commands."""
        self._scheduler.inbox.clear()
        self._interruption.abandoned.clear()
        self._completions.fail(ReplicaError(why))

    def limit_rounds(self, limit: RoundLimit) -> None:
        """Let `limit` count the rounds from now on. May be called from any thread."""
        self._completions.round_limit = limit

    @property
    def failure(self) -> BaseException | None:
        """What stopped the replica; None while it runs."""
        return self._failure

    def close(self) -> bool:
        """Stop: Wasm that runs is interrupted and rolled back. Returns whether the state is whole."""
        self._interruption.close()
        if not self._closed:
            self._closed = True
            self._put(_nothing)
        if self._thread is not None:
            waiting.join(self._thread)
        self._over = True
        self._flush()
        self._gathered.put(None)
        return self._failure is None

    def stop_at_exit(self) -> None:
        """Stop when the interpreter ends."""
        self.close()

    # --- between callers and owner --------------------------------------------------------------------------

    @property
    def _interruption(self) -> Interruption:
        return self._scheduler.instances.interruption

    def _check(self) -> None:
        if self._closed:
            raise ReplicaError("the replica is closed")
        if self._failure is not None:
            raise self._end()

    def _start(self) -> None:
        # A caller may be interrupted anywhere in here and try again, so the thread itself says that it is the one.
        start_thread(
            serve, "ic-harness-rounds", weakref.ref(self), self._commands, self._bell, self._processor
        )

    def claim(self) -> bool:
        """Make the present thread the owner; False when there is one already."""
        if not self._ownership.acquire(blocking=False):
            return False
        self._thread = threading.current_thread()
        stop_at_exit(self)
        weakref.finalize(self, self._bell.ring).atexit = False
        return True

    def _give_way(self, task: Task[Any]) -> None:
        """Let the round that runs end early; the owner takes this back when it has come to the task."""
        self._interruption.pausing.add(task)
        if task.over:  # it has been taken back: what stayed would end another round
            self._interruption.pausing.discard(task)
        else:
            self._interruption.interrupt()

    def _abandon(self, completion: Completion) -> None:
        """Give up a call whose caller was interrupted; it is rejected unless it is complete by then."""
        if completion.done or completion.stuck:
            return
        self._interruption.abandoned.add(completion.origin)
        self._interruption.interrupt()
        self._put(lambda: self._leave(completion))

    def _leave(self, completion: Completion) -> None:
        if not self._completions.leave(completion):
            self._interruption.abandoned.discard(completion.origin)

    # --- the owner ------------------------------------------------------------------------------------------

    def step(self) -> float | None:
        """Execute what is waiting and run the rounds that are due.

        Returns the seconds until the next event, None when only a command brings one, negative to stop.
        """
        while not self._closed:
            for _ in range(len(self._commands)):
                self._completions.let_go()
                self.execute(self._commands.popleft())
            if not self._commands and (pausing := self._interruption.pausing):
                pausing.intersection_update({CLOSING})  # what callers left that were late, or interrupted
            if self._has_ended():
                break
            pause = self._pause_s()
            if pause is None or pause > 0:
                self._settle()
                self._completions.let_go()
                return pause
            self._completions.let_go()
            self._run()
        self._completions.let_go()
        self._completions.fail(self._end())
        return -1.0 if self._closed else None

    def execute(self, command: Callable[[], None]) -> None:
        """Execute one command."""
        try:
            command()
        except BaseException as failure:  # noqa: BLE001  the thread must go on to tell every caller
            LOG.critical("the replica stops after a failure in a command", exc_info=failure)
            self._failure = failure

    def _execute(self, task: Task[Any]) -> None:
        if not task.abandoned:
            self._interruption.pausing.discard(task)
        if self._has_ended():
            task.fail(self._end())
        else:
            task.execute()
            self._completions.ended.append(task.end)
        self._interruption.pausing.discard(task)

    def _flush(self) -> None:
        """After the owner's thread has ended: refuse what came too late for it, on whatever thread this is."""
        with suppress(IndexError):
            while True:
                self.execute(self._commands.popleft())
        self._completions.let_go()
        self._completions.fail(self._end())

    def _has_ended(self) -> bool:
        return self._closed or self._failure is not None

    def _end(self) -> ReplicaError:
        if self._failure is None:
            return ReplicaError("the replica is closed")
        why = str(self._failure) if isinstance(self._failure, HarnessError) else repr(self._failure)
        error = ReplicaError(f"the replica stopped after a failure in a round: {why}")
        error.__cause__ = self._failure
        return error

    def _accept(
        self, incoming: IngressMessage, completion: Completion, *, attended: bool, wake: bool
    ) -> None:
        if self._has_ended():
            completion.complete(None, self._end())
            return
        if (record := self._record(completion.origin)) is not None and record.answer is not None:
            completion.complete(record.answer)
            return
        if record is None:
            self._scheduler.inbox.append(incoming)
        self._completions.expect(completion)
        if attended:
            self._completions.attend(completion)
        self._submitted |= wake
        if self._gathering:
            self._gathered.put(None)

    def _record(self, origin: Origin) -> Any:
        return self._scheduler.state.requests.get(origin.request_id) if isinstance(origin, FromUser) else None

    def _refresh(self, max_age_ns: int, certified_ns: Callable[[], int]) -> None:
        if self._held:
            return
        if not self._background and self._scheduler.has_work():
            self._round()
        if abs(self._clock.now_ns() - certified_ns()) > max_age_ns:
            self._round()

    def _run(self) -> None:
        attended, self._submitted = bool(self._completions.waiting) or self._submitted, False
        try:
            self._round()
        except Exception:  # noqa: BLE001  every caller was told, of `_failure` or of the limit of rounds
            attended = False
        if attended:
            self._pacing.unattended = 0
        else:
            self._pacing.ran()

    def _round(self, kind: Kind = Kind.ANSWERING, *, heartbeats: int | None = None) -> None:
        """Run one round and complete what it answered."""
        now = self._clock.now_ns()
        beating = self._beats(now) if heartbeats is None else heartbeats
        if beating:
            self.heartbeat_ns = now
            self._pacing.begins()
        try:
            changes = self.run_round(now, kind, heartbeats=beating)
            self._publish(changes)
        except BaseException as failure:
            # The state may be half changed: no caller may see it any more, and nothing of it was journalled.
            LOG.critical("the replica stops after a failure in a round", exc_info=failure)
            self._failure = failure
            raise
        if beating:
            self._pacing.ended(len(self._scheduler.heartbeats) // beating)
        if self._interruption.abandoned:
            self._interruption.abandoned -= answered(changes)
        self._completions.complete(changes)

    def _beats(self, now_ns: int) -> int:
        """Heartbeats run in rounds that calls from outside bring about, and once an interval besides.

        Rounds that canisters bring about themselves have none: a heartbeat that makes calls would never end.
        Hundreds of canisters take turns where time goes on by itself.
        """
        beating = self._scheduler.heartbeats
        if beating and (self._scheduler.inbox or abs(now_ns - self.heartbeat_ns) >= self._interval_ns):
            return self._pacing.turns(len(beating)) if self._background else 1
        return 0

    def _settle(self) -> None:
        """Release callers that wait for what no round will bring."""
        if self._gathering or (self._scheduler.state.outcalls and self._scheduler.outcalls.working()):
            return
        if self._held:
            self._completions.give_up("rounds are held: call tick() or release() first", only_patient=True)
        elif not self._background:
            self._completions.give_up(NOTHING_LEFT)

    def _pause_s(self) -> float | None:
        """Seconds until a round is due: 0 for now, None when none is."""
        if self._held:
            return None
        attended = bool(self._completions.waiting)
        if self._scheduler.has_work():
            if attended or (self._submitted and self._background):
                return 0.0
            return self._pacing.rest_s() if self._background else None
        self._submitted = False
        due = self._next_ns() if self._background else None
        if due is None:
            self._pacing.unattended = 0
            return None
        pause = (due - self._clock.now_ns()) / SECOND
        if pause > 0:
            self._pacing.unattended = 0
            return pause
        return 0.0 if attended else self._pacing.rest_s()

    def _next_ns(self) -> int | None:
        """When something happens by itself: a timer, a deadline, a heartbeat."""
        event = self._scheduler.next_event_ns()
        times = [] if event is None else [event]
        if self._scheduler.heartbeats:
            times.append(self.heartbeat_ns + self._interval_ns)
        return min(times, default=None)


def _nothing() -> None:
    """Wake the owner."""
