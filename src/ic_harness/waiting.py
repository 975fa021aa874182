"""Waits of the main thread that a signal always interrupts.

CPython looks for signals before it blocks in a lock, and again when the system call returns `EINTR`. A signal that
arrives between the two, or that another thread of the process receives, is seen only when the lock is released: a
Ctrl-C during a call that never ends would be lost. The window is wide on a busy machine, because the interpreter
lock changes hands inside it. So the main thread blocks for a slice of time and looks again; other threads, on which
Python never runs signal handlers, block without slices.

Those other threads wait in a `Bell` where they are woken for every message.
"""

from __future__ import annotations

import os
import queue
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.1
"""The longest that a signal goes unnoticed."""
LONGEST_MS: Final = 2**31 - 1
"""The longest that `Bell.rings_within_ms` waits."""


class Bell:
    """Wakes the one thread that waits in it, which is not the main thread. A ring that comes first is kept.

    Made by `new_bell`. Who puts something into a place where that thread looks rings if `asleep`; the thread sets
    `asleep` before it looks for the last time, so that nothing that was put there after the look is missed.
    """

    __slots__ = ("_lock", "asleep", "block", "ring", "rings_within_ms")

    block: Callable[[], object]
    """Waits for a ring. Raises `InterruptedError` when the system hands a signal to the thread."""
    ring: Callable[[], object]
    """Wakes the thread that waits, or the next one that does. May be called from any thread."""
    rings_within_ms: Callable[[float], object]
    """Waits for a ring at most so many milliseconds; returns what is true if there is one, which `block` then takes."""

    def __init__(self) -> None:
        self.asleep = False
        self._lock = threading.Lock()
        self._lock.acquire()
        self.block, self.ring, self.rings_within_ms = self._lock.acquire, self._release, self._released_within

    def _release(self) -> None:
        with suppress(RuntimeError):  # rung already
            self._lock.release()

    def _released_within(self, milliseconds: float) -> bool:
        if not self._lock.acquire(timeout=milliseconds / 1e3):
            return False
        self._release()
        return True

    def wait(self) -> None:
        """Wait for a ring, whatever signals there are meanwhile: their handlers run on the main thread."""
        while True:
            try:
                self.block()
            except InterruptedError:
                continue
            return


if sys.platform == "linux":

    class _SystemBell(Bell):
        """A bell that is an event of the system.

        A lock is released under the interpreter lock, so the thread that wakes stops again at once and waits for that
        one. An event is signalled without it: half the time of a hand-over.
        """

        __slots__ = ("_descriptor",)

        def __init__(self) -> None:
            self._descriptor = -1
            self._descriptor = os.eventfd(0)
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            self.asleep = False
            # The functions of the system themselves: a call of Python's for each would cost as much again.
            self.ring = partial(os.eventfd_write, self._descriptor, 1)
            self.block = partial(os.eventfd_read, self._descriptor)
            self.rings_within_ms = poll.poll

        def __del__(self) -> None:
            # Not before: a descriptor that is closed while a thread may still ring could be another file's by then.
            if self._descriptor >= 0:
                os.close(self._descriptor)


def new_bell() -> Bell:
    """Return the quickest bell that this system has; a lock when the process has no file descriptor left."""
    if sys.platform == "linux":
        with suppress(OSError):
            return _SystemBell()
    return Bell()


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
