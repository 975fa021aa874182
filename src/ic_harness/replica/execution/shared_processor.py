"""One processor for two threads that take turns: the main thread, and a worker that it calls.

Linux lets a thread that is woken run on an idle processor if there is one, and to wake that takes longer than a small
call, above all in a virtual machine. So whichever of the two waits is pinned to the processor on which the other one
runs. A worker that runs is not pinned: it may run for long, and threads and processes inherit the pin of the thread
that starts them. Nor is a worker that another thread called last, because such callers run side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ic_harness import processors, waiting

T = TypeVar("T")


class SharedProcessor:
    """The processor that a worker shares with the main thread, when that one calls."""

    __slots__ = ("_lock", "_may", "_pinned_to", "_shared", "_worker")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may call while its thread does
        self._shared = False
        """Whether the main thread called last."""
        self._may: set[int] = set()
        """The processors that the main thread might run on when it called last, and so may the worker."""
        self._worker = 0
        """The system's number of the worker's thread."""
        self._pinned_to: int | None = None
        """The processor to which the worker is pinned."""

    def beside(self, work: Callable[[], T]) -> T:
        """Do `work` on the caller's thread: it wakes the worker and waits for it."""
        if not (processors.CAN_PIN and waiting.HERE.is_main):
            if self._shared:
                self._shared = False
                self.go_on()
            return work()
        may: set[int] = set()
        try:
            try:
                may = processors.allowed(0)
                if len(may) > 1:
                    self._shared, self._may = True, may
                    processors.OF_CALLER.may = may
                    here = processors.present()
                    processors.pin(0, {here})
                    if self._pinned_to != here:
                        self._pin_worker(here)
            except OSError:
                may = set()  # `here` was taken from this process just now
            return work()
        finally:
            if len(may) > 1:
                # Directly: in a function of Python's in between a signal's handler could raise.
                try:  # noqa: SIM105
                    processors.pin(0, may)
                except OSError:
                    pass  # none of them is left to this process
                processors.OF_CALLER.may = None

    def _pin_worker(self, processor: int) -> None:
        with self._lock:
            if self._pinned_to is not None:
                self._pinned_to = processor
                _pin(self._worker, {processor})

    def rest(self) -> None:
        """Pin the worker to where it runs; for itself, before it wakes the caller and waits."""
        if self._shared:
            with self._lock:
                self._worker = self._worker or threading.get_native_id()
                self._pinned_to = processors.present()
                _pin(0, {self._pinned_to})

    def go_on(self) -> None:
        """Let the worker run anywhere again; for itself when it is woken, and for the thread that wakes it."""
        if self._pinned_to is not None:
            with self._lock:
                if self._pinned_to is not None:
                    self._pinned_to = None
                    _pin(self._worker, self._may)


def _pin(thread_id: int, to: set[int]) -> None:
    try:  # noqa: SIM105  `suppress` costs as much as the system's function
        processors.pin(thread_id, to)
    except OSError:
        pass  # the thread has ended, or the processors were taken from this process
