"""Waits of the main thread that a signal always interrupts.

CPython looks for signals before it blocks in a lock, and again when the system call returns `EINTR`. A signal that
arrives between the two, or that another thread of the process receives, is seen only when the lock is released: a
Ctrl-C during a call that never ends would be lost. The window is wide on a busy machine, because the interpreter
lock changes hands inside it. So the main thread blocks for a slice of time and looks again; other threads, on which
Python never runs signal handlers, block without slices.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.1
"""The longest that a signal goes unnoticed."""


class Lock(Protocol):
    """What `threading.Lock` and its relatives offer."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002
        """Block until the lock is taken; False when the time was over before."""


def acquire(lock: Lock, timeout_s: float | None = None) -> bool:
    """Take a lock, within a time or whenever it is free; returns whether it was taken."""
    return _in_slices(lambda slice_s: lock.acquire(timeout=slice_s), timeout_s)


def is_set(event: threading.Event, timeout_s: float | None = None) -> bool:
    """Wait for an event; returns whether it is set."""
    return _in_slices(lambda slice_s: event.wait(None if slice_s < 0 else slice_s), timeout_s)


def join(thread: threading.Thread) -> None:
    """Wait for the end of a thread."""

    def ended(slice_s: float) -> bool:
        thread.join(None if slice_s < 0 else slice_s)
        return not thread.is_alive()

    _in_slices(ended, None)


def get(source: queue.SimpleQueue[T]) -> T:
    """Take the next item of a queue."""
    taken: list[T] = []

    def take(slice_s: float) -> bool:
        try:
            taken.append(source.get(timeout=None if slice_s < 0 else slice_s))
        except queue.Empty:
            return False
        return True

    _in_slices(take, None)
    return taken[0]


def _in_slices(attempt: Callable[[float], bool], timeout_s: float | None) -> bool:
    """Repeat an attempt that blocks for at most so many seconds (negative: for ever) until it succeeds."""
    if threading.current_thread() is not threading.main_thread():
        return attempt(-1 if timeout_s is None else max(0.0, timeout_s))
    if timeout_s is None:
        while not attempt(SLICE_S):
            pass
        return True
    end = time.monotonic() + timeout_s
    while not attempt(max(0.0, min(SLICE_S, end - time.monotonic()))):
        if time.monotonic() >= end:
            return False
    return True
