"""Waits of the main thread that a signal always interrupts.

CPython looks for signals before it blocks in a lock, and again when the system call returns `EINTR`. A signal that
arrives between the two, or that another thread of the process receives, is seen only when the lock is released: a
Ctrl-C during a call that never ends would be lost. The window is wide on a busy machine, because the interpreter
lock changes hands inside it. So the main thread blocks for a slice of time and looks again; other threads, on which
Python never runs signal handlers, block without slices.

Where a thread is woken for every message it waits in a `Bell`: in one of its own (`HERE`), or one that is made for it.
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
LONGEST_S: Final = 1e6
"""The longest that a thread sleeps at a time which no signal handler interrupts: 11 days."""


class Bell:
    """Wakes the one thread that waits in it. A ring that comes first is kept, so a wait may end for no reason.

    Made by `new_bell`. Who puts something into a place where that thread looks rings if `asleep`; the thread sets
    `asleep` before it looks for the last time, so that nothing that was put there after the look is missed.
    """

    __slots__ = ("_lock", "asleep", "longest_s", "ring", "rings_within")

    ring: Callable[[], object]
    """Wakes the thread that waits, or the next one that does. May be called from any thread."""
    rings_within: Callable[[float], object]
    """Waits for a ring at most so many seconds, `LONGEST_S` or less; returns what is true if there was one."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self.asleep = False
        self.longest_s = longest_s
        """The longest that the thread should wait at a time: `SLICE_S` on the main thread."""
        self._lock = threading.Lock()
        self._lock.acquire()
        self.ring, self.rings_within = self._release, partial(self._lock.acquire, True)

    def _release(self) -> None:
        with suppress(RuntimeError):  # rung already
            self._lock.release()


if sys.platform == "linux":

    class _SystemBell(Bell):
        """A bell that is an event of the system.

        A lock is released under the interpreter lock, so the thread that wakes stops again at once and waits for that
        one. An event is signalled without it: half the time of a hand-over. An edge-triggered event is gone when the
        wait ends: one call of the system, and nothing to be read.
        """

        __slots__ = ("_descriptor",)

        def __init__(self, longest_s: float = LONGEST_S) -> None:
            self._descriptor = -1
            self._descriptor = os.eventfd(0)
            epoll = select.epoll()
            epoll.register(self._descriptor, select.EPOLLIN | select.EPOLLET)
            self.asleep = False
            self.longest_s = longest_s
            # The functions of the system themselves: a call of Python's for each would cost as much again.
            self.ring = partial(os.eventfd_write, self._descriptor, 1)
            self.rings_within = partial(epoll.poll, maxevents=1)

        def __del__(self, _close: Callable[[int], None] = os.close) -> None:
            # Not before: a descriptor that is closed while a thread may still ring could be another file's by then.
            if self._descriptor >= 0:
                _close(self._descriptor)


def new_bell(longest_s: float = LONGEST_S) -> Bell:
    """Return the quickest bell that this system has; a lock when the process has no file descriptor left."""
    if sys.platform == "linux":
        with suppress(OSError):
            return _SystemBell(longest_s)
    return Bell(longest_s)


class _Here(threading.local):
    """What is the present thread's own."""

    def __init__(self) -> None:
        self.is_main = threading.current_thread() is threading.main_thread()
        """Whether signal handlers run on this thread."""
        # One that takes no file descriptors on the other threads, of which there may be many.
        self.bell = new_bell(SLICE_S) if self.is_main else Bell()
        """Wakes this thread where it waits for other ones."""


HERE: Final = _Here()


def _begin_in_child() -> None:
    # The events of the parent process are shared with it: each would take the other's.
    HERE.is_main, HERE.bell = True, new_bell(SLICE_S)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_begin_in_child)


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
