"""One processor for two threads that take turns: the main thread, and a worker that it calls.

Linux lets a thread that is woken run on an idle processor if there is one, and to wake that takes longer than a small
call, above all in a virtual machine. So the two share one processor, and none is woken where that can be avoided:

    main thread   calls, yields the processor ........................... goes on, calls, yields ...
    worker        ........................... executes, ends, yields .............................. executes ...

The main thread sleeps where a call takes long. The worker sleeps at once where the last call did not follow soon, since
a thread that only waits for its turn is moved to an idle processor within milliseconds. It sleeps pinned to the
processor on which it ran, or on which the main thread calls, so that it wakes there.

A worker that runs is not pinned: it may run for long, and threads and processes inherit the pin of the thread that
starts them. Nor is a worker that another thread called last, because such callers run side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ic_harness import processors, waiting
from ic_harness.replica.state.clock import monotonic_s

_YIELDS: Final = 3
"""How often a thread yields before it sleeps: more than once, because a system call may also bring it back."""
_SOON_S: Final = 0.0002
"""The worker yields after a call if the last one followed the one before within this time."""


class SharedProcessor:
    """The processor that a worker shares with the main thread, when that one calls."""

    __slots__ = ("_ended_s", "_follows_soon", "_lock", "_may", "_pinned_to", "_shared", "_worker")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may call while its thread does
        self._shared = False
        """Whether the main thread called last."""
        self._may: frozenset[int] = frozenset()
        """The processors that the worker might run on before it was pinned."""
        self._worker = 0
        """The system's number of the worker's thread."""
        self._pinned_to: int | None = None
        """The processor to which the worker is pinned."""
        self._ended_s = 0.0
        """When the worker had no more work."""
        self._follows_soon = False
        """Whether the last call came soon after that."""

    # --- for callers ----------------------------------------------------------------------------------------

    def share(self) -> None:
        """Let the worker wake where the present thread runs, if that is the main thread; before it is woken."""
        if processors.CAN_PIN and waiting.HERE.is_main:
            self._shared = True
            if self._pinned_to is not None and self._pinned_to != (here := processors.present()):
                self._move(here)
        elif self._shared:
            self._shared = False
            self.release()

    def yield_until(self, ended: Callable[[], object]) -> None:
        """Yield to the worker that was woken until the call has `ended`, or takes long."""
        if self._shared:
            self._yield_until(ended)

    def release(self) -> None:
        """Let the worker run anywhere, which is woken for another thread than the main thread."""
        if self._pinned_to is not None:
            with self._lock:
                if self._pinned_to is not None:
                    self._pinned_to = None
                    _pin(self._worker, self._may)

    def _move(self, processor: int) -> None:
        with self._lock:
            if self._pinned_to is not None and processor in self._may:
                self._pinned_to = processor
                _pin(self._worker, frozenset((processor,)))

    # --- for the worker -------------------------------------------------------------------------------------

    def rest(self, has_work: Callable[[], object]) -> bool:
        """Yield if the next call may follow soon; True if it did. Otherwise `go_on` must follow the worker's sleep."""
        if not self._shared:
            return False
        self._ended_s = monotonic_s()
        if self._follows_soon and self._yield_until(has_work):
            self._follows_soon = monotonic_s() - self._ended_s < _SOON_S
            return True
        with self._lock, suppress(OSError):
            self._worker, self._may = threading.get_native_id(), frozenset(processors.allowed(0))
            if len(self._may) > 1:
                self._pinned_to = processors.present()
                _pin(0, frozenset((self._pinned_to,)))
        return False

    def go_on(self) -> None:
        """End the rest."""
        self.release()
        self._follows_soon = self._shared and monotonic_s() - self._ended_s < _SOON_S

    # --- for both -------------------------------------------------------------------------------------------

    def _yield_until(self, condition: Callable[[], object]) -> bool:
        for _ in range(_YIELDS):
            if condition():
                return True
            processors.give_way()
        return bool(condition())


def _pin(thread_id: int, to: frozenset[int]) -> None:
    mask = processors.mask(to)
    # In vain if the thread has ended, or if the processors were taken from this process.
    processors.pin(thread_id, len(mask), mask)
