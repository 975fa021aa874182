"""Threads that run Wasm.

Wasm never runs on a thread of the caller. Python raises `KeyboardInterrupt`, and what a signal handler raises,
on the main thread only, and an exception that is raised in a callback of the engine is dropped by ctypes: the
engine would go on with a call that was not made. A canister's stack is also deeper than the stack that some
platforms give to threads. So Wasm runs on threads of this module, with a stack that it sizes, and callers wait
on theirs (see `ic_harness.waiting`), where a signal interrupts them at once.

The threads are daemons: a query that never ends cannot keep the process from ending. `stop_at_exit` lets owners
of such threads end them before the interpreter is torn down.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from ic_harness import waiting

from .shared_processor import SharedProcessor

T = TypeVar("T")

STACK_BYTES: Final = 16 << 20
"""Stack of a thread that runs Wasm: the canister's own (5 MiB) and as much again for the engine and for Python."""

_SIZING = threading.RLock()
"""Held by who starts a thread; once more by a signal's handler that comes in between and starts one too."""


def start_thread(target: Callable[..., None], name: str, *arguments: object) -> threading.Thread:
    """Start a daemon thread whose stack is large enough for Wasm."""
    thread = threading.Thread(target=target, name=name, args=arguments, daemon=True)
    with _SIZING:
        before = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


class Task(Generic[T]):
    """A function that runs on another thread, and the wait for its result.

    The thread that makes it is the one that may wait. `abandoned` is set when that was interrupted while it waited: a
    task that did not begin is skipped.
    """

    __slots__ = ("_action", "_bell", "_ended", "_failure", "_result", "abandoned", "over")

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._bell = waiting.HERE.bell
        self._ended = False
        self._result: Any = None
        self._failure: BaseException | None = None
        self.abandoned = False
        self.over = False
        """Whether it ran to its end, before who waits is told so."""

    def run(self) -> None:
        """Run the function, on the thread that calls this, and let go who waits for it; never raises."""
        self.execute()
        self.end()

    def execute(self) -> None:
        """Run the function, on the thread that calls this; never raises. `end` lets go who waits for it."""
        try:
            if not self.abandoned:
                self._result = self._action()
        except BaseException as failure:  # noqa: BLE001  raised again by `result`
            self._failure = failure
        self.over = True

    def end(self) -> None:
        """Let go who waits: the result is there. The less a thread does after that, the sooner the other one runs."""
        self._ended = True
        if self._bell.asleep:
            self._bell.ring()

    def fail(self, failure: BaseException) -> None:
        """End the task without running it."""
        self._failure = failure
        self.end()

    def has_ended(self) -> bool:
        """Whether the result is there."""
        return self._ended

    def wait(self) -> None:
        """Wait for the end. Whatever a signal handler raises meanwhile sets `abandoned` and is passed on."""
        try:
            while not self.ends_within(self._bell.longest_s):
                pass
        except BaseException:
            self.give_up()
            raise

    def give_up(self) -> bool:
        """Set `abandoned` unless the task has ended, and return it; for a caller that was interrupted."""
        self.abandoned |= not self._ended
        return self.abandoned

    def ends_within(self, seconds: float) -> bool:
        """Wait at most so long for the end, or until the thread is woken; whether it has ended."""
        bell = self._bell
        try:
            bell.asleep = True
            if not self._ended:
                bell.rings_within(seconds)
        finally:
            bell.asleep = False
        return self._ended

    def result(self) -> T:
        """Wait for the result, or raise what the function raised. See `wait`."""
        self.wait()
        if self._failure is None:
            result: T = self._result
            return result
        try:
            raise self._failure
        finally:
            self._failure = None  # breaks the cycle of the exception and this frame


class _Here(threading.local):
    """Whether this thread belongs to a pool of this module."""

    sized = False


_HERE: Final = _Here()


class _Worker:
    """One thread of a pool, and the task that it is given next."""

    __slots__ = ("next", "processor", "rests", "wake")

    def __init__(self, first: Task[Any] | None) -> None:
        self.next = first
        self.rests = False
        self.processor = SharedProcessor()
        self.wake = waiting.new_bell()

    def go_on(self) -> None:
        """End the rest."""
        self.rests = False
        if self.wake.asleep:
            self.wake.ring()

    def has_work(self) -> bool:
        """Whether the rest has ended."""
        return not self.rests

    def wait(self) -> None:
        """Wait for the end of the rest."""
        if self.processor.rest(self.has_work):
            return
        self.wake.asleep = True
        while self.rests:
            self.wake.rings_within(self.wake.longest_s)
        self.wake.asleep = False
        self.processor.go_on()


class WasmThreads:
    """A pool of threads for Wasm: started when needed, at most `most`; tasks beyond wait in their order."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._count = 0
        self._idle: list[_Worker] = []
        self._backlog: deque[Task[Any]] = deque()
        self._lock = threading.RLock()  # a signal's handler may submit while its thread does

    def submit(self, task: Task[Any]) -> None:
        """Run a task as soon as a thread is free."""
        worker = self._take(task)
        if worker is not None:
            worker.processor.release()
            worker.go_on()

    def _take(self, task: Task[Any]) -> _Worker | None:
        """Give a task to an idle worker, which is returned; to a new one, or to the backlog, where there is none."""
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.next = task
                return worker
            if self._count >= self._most:
                self._backlog.append(task)
                return None
            self._count += 1
        start_thread(self._serve, self._name, _Worker(task))
        return None

    def run(self, task: Task[T]) -> T:
        """Run a task on a thread of the pool, or on this one if it is such a thread, and give its result."""
        if _HERE.sized:
            task.run()
            return task.result()
        worker = None
        try:
            worker = self._take(task)
            if worker is not None:
                worker.processor.share()
                worker.go_on()
                worker.processor.yield_until(task.has_ended)
            return task.result()
        except BaseException:
            task.give_up()
            if worker is not None and worker.next is task:
                worker.go_on()  # the interrupt came before, or in it
            raise

    def close(self) -> None:
        """End the idle threads; busy ones end after their task."""
        with self._lock:
            self._most = 0
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.go_on()

    def rest(self) -> None:
        """End the idle threads; the next task starts one again."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for worker in idle:
            worker.go_on()

    def _serve(self, worker: _Worker) -> None:
        _HERE.sized = True
        while (task := worker.next) is not None:
            task.execute()
            with self._lock:
                worker.next = self._backlog.popleft() if self._backlog else None
                waits = worker.next is None and self._count <= self._most
                if waits:
                    worker.rests = True
                    self._idle.append(worker)
                elif worker.next is None:
                    self._count -= 1
            task.end()
            if waits:
                del task
                worker.wait()


QUERIES: Final = WasmThreads("ic-harness-query", 128)
"""Where queries and ingress filters run. Those that wait for a busy canister keep their thread meanwhile."""


class Stoppable(Protocol):
    """Something with threads that must end before the interpreter does."""

    def stop_at_exit(self) -> None:
        """Stop Wasm that is running, and wait for the threads."""


_OPEN: Final[weakref.WeakSet[Stoppable]] = weakref.WeakSet()


def stop_at_exit(owner: Stoppable) -> None:
    """Stop `owner` when the interpreter ends, if it still exists then.

    A daemon thread that returns from Wasm into an interpreter that is gone would end the process by a signal.
    """
    if not _OPEN:
        # As late as possible, because what is registered last runs first: before whatever Wasm may still use ends.
        atexit.unregister(_stop_all)
        atexit.register(_stop_all)
    _OPEN.add(owner)


def _stop_all() -> None:
    for owner in list(_OPEN):
        owner.stop_at_exit()
