"""Who runs rounds: the thread that waits for an answer, and a thread of the replica's own for the rest.

Theory of operation. One lock guards `_driving`. Whoever needs an answer becomes the driver if
nobody is, runs rounds on its own thread until its answer is there, and leaves; the others sleep and are
woken after every round. So a single caller pays for no thread switch, and rounds never overlap. What nobody
waits for (asynchronous calls, timers, heartbeats, deadlines) is driven by the pump, a daemon thread that is
started when it is first needed and sleeps until the next event.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ic_harness.errors import ReplicaError
from ic_harness.replica.clock import Clock, monotonic_s
from ic_harness.replica.scheduler import Changes, Scheduler
from ic_harness.units import SECOND


class Driver:
    """Runs rounds of a scheduler, one at a time. `publish` gets the changes of each before anybody wakes.

    `background` lets the pump run; `interval_s` is how often it wakes canisters with a heartbeat.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Clock,
        publish: Callable[[Changes], None],
        *,
        background: bool,
        interval_s: float,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._publish = publish
        self._background = background
        self._interval_ns = int(interval_s * SECOND)
        lock = threading.Lock()
        self._condition = threading.Condition(lock)
        self._driving = False
        self._waiting = 0
        self._held = False
        self._closed = False
        self._failure: BaseException | None = None
        self._pump: threading.Thread | None = None
        # The pump has a condition of its own, so that a round does not wake it for nothing.
        self._pump_condition = threading.Condition(lock)
        self._pump_wakes_ns: float = math.inf

    # --- for callers ----------------------------------------------------------------------------------------

    def wait(self, finished: Callable[[], bool], timeout_s: float | None) -> bool:
        """Run rounds or sleep until `finished`; False when the time was over before.

        Without a timeout, raises `ReplicaError` when nothing is left that could bring the answer.
        """
        end = None if timeout_s is None else monotonic_s() + timeout_s
        with self._condition:
            while not finished():
                self._check()
                if not self._driving and not self._held and self._scheduler.has_work():
                    self._drive()
                    continue
                left = None if end is None else end - monotonic_s()
                if left is not None and left <= 0:
                    return False
                if not self._driving and self._stuck(left):
                    if left is None:
                        raise ReplicaError(self._why_stuck())
                    return False
                self._sleep(left)
            self._wake_pump()
        return True

    def _sleep(self, seconds: float | None) -> None:
        self._wake_pump()
        self._waiting += 1
        try:
            self._condition.wait(seconds)
        finally:
            self._waiting -= 1

    def submit(self, action: Callable[[], None], *, wake: bool) -> None:
        """Do something small to the scheduler's inbox; `wake` tells that nobody will wait for it."""
        with self._condition:
            self._check()
            action()
            if wake:
                self._wake_pump()
            if self._held:
                self._condition.notify_all()  # whoever gathers messages for one round counts them

    def gather(self, complete: Callable[[], bool]) -> None:
        """While rounds are held: sleep until `complete`, which submitted messages or `nudge` bring about."""
        with self._condition:
            while not complete():
                self._check()
                self._condition.wait()

    def nudge(self) -> None:
        """Let those who sleep look again."""
        with self._condition:
            self._condition.notify_all()

    def settle(self) -> None:
        """Without a background thread, run what is waiting; used before state is shown to a reader."""
        if self._background or self._held:
            return
        with self._condition:
            self._check()
            if not self._driving and self._scheduler.has_work():
                self._drive()

    def refresh(self, max_age_ns: int, certified_ns: Callable[[], int]) -> None:
        """Run an empty round when the certified state is further than `max_age_ns` from the clock."""
        if abs(self._clock.now_ns() - certified_ns()) <= max_age_ns:
            return
        with self._condition:
            self._check()
            while self._driving:
                self._condition.wait()
            if not self._held and abs(self._clock.now_ns() - certified_ns()) > max_age_ns:
                self._drive()

    # --- for the test network's owner -----------------------------------------------------------------------

    def hold(self) -> None:
        """Run no more rounds until `release`, except those that `tick` asks for."""
        with self._exclusive():
            self._held = True

    @property
    def is_held(self) -> bool:
        """Whether rounds are held."""
        return self._held

    def release(self) -> None:
        """Let rounds run again."""
        with self._condition:
            self._held = False
            self._condition.notify_all()
            self._wake_pump()

    def time_changed(self) -> None:
        """Reconsider when timers are due, after the clock was set."""
        with self._condition:
            self._pump_wakes_ns = math.inf
            self._wake_pump()

    def tick(self, rounds: int = 1) -> None:
        """Run this many rounds now, whether there is work or not."""
        for _ in range(rounds):
            with self._condition:
                self._check()
                while self._driving:
                    self._condition.wait()
                self._drive()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep rounds away while the world is read or replaced as a whole."""
        with self._exclusive():
            yield

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._condition:
            self._check()
            while self._driving:
                self._condition.wait()
            self._driving = True
        try:
            yield
        finally:
            with self._condition:
                self._driving = False
                self._condition.notify_all()
                self._wake_pump()

    def wait_for_publication(self, changed: Callable[[], bool]) -> None:
        """Sleep until `changed`, which the end of the present round brings about."""
        with self._condition:
            while self._driving and not changed():
                self._condition.wait()
            self._check()

    def close(self) -> bool:
        """Stop; the round that is running ends first. Tells whether the world is whole."""
        with self._condition:
            while self._driving:
                self._condition.wait()
            self._closed = True
            self._condition.notify_all()
            self._pump_condition.notify_all()
        if self._pump is not None:
            self._pump.join()
        return self._failure is None

    # --- inside ---------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._closed:
            raise ReplicaError("the replica is closed")
        if self._failure is not None:
            raise ReplicaError(
                f"the replica stopped after a failure in a round: {self._failure!r}"
            ) from self._failure

    def _drive(self) -> None:
        """Run one round; called with the condition held, which is released while the round runs."""
        self._driving = True
        self._condition.release()
        try:
            self._publish(self._scheduler.round(self._clock.now_ns()))
        except BaseException as failure:
            # The world may be half changed: nobody may see it any more, and nothing of it was journaled.
            self._failure = failure
            raise
        finally:
            self._condition.acquire()
            self._driving = False
            self._condition.notify_all()

    def _stuck(self, left_s: float | None) -> bool:
        """Whether waiting is useless: nobody will run a round. A held round may yet be ticked."""
        return left_s is None if self._held else not self._background

    def _why_stuck(self) -> str:
        if self._held:
            return "rounds are held: call tick() or release() first"
        return "nothing is left to do that could answer this call (advance the time for timers and deadlines)"

    # --- the pump -------------------------------------------------------------------------------------------

    def _wake_pump(self) -> None:
        """Start or wake the pump when something is to happen that nobody waits for."""
        if not self._background or self._driving or self._held or self._closed:
            return
        when = self._next_ns()
        if when is None or when >= self._pump_wakes_ns:
            return
        if self._pump is None:
            self._pump = threading.Thread(target=self._run_pump, name="ic-harness-rounds", daemon=True)
            self._pump.start()
        else:
            self._pump_condition.notify()

    def _run_pump(self) -> None:
        with self._condition:
            while not self._closed and self._failure is None:
                when = None if self._driving or self._held else self._next_ns()
                now = self._clock.now_ns()
                if when is not None and when <= now:
                    self._drive_alone()
                    continue
                self._pump_wakes_ns = math.inf if when is None else when
                self._pump_condition.wait(None if when is None else (when - now) / SECOND)

    def _drive_alone(self) -> None:
        with suppress(Exception):  # kept in `_failure`: whoever calls next is told
            self._drive()

    def _next_ns(self) -> int | None:
        """When the pump is needed: 0 for now, None for not at all."""
        scheduler = self._scheduler
        if scheduler.has_work():
            return None if self._waiting else 0
        times = []
        event = scheduler.next_event_ns()
        if event is not None:
            times.append(event)
        if scheduler.heartbeats:
            times.append(scheduler.world.time_ns + self._interval_ns)
        return min(times, default=None)
