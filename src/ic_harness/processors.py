"""The processors that a thread may run on: its CPU affinity, as sched_setaffinity(2) has it.

Functions of the system themselves, because they are called for every message. Linux alone has them; threads and
processes inherit the processors of the thread that starts them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final


def _unknown() -> int:
    return -1


def _absent(*_: object) -> Any:
    raise OSError("threads cannot be pinned here")


allowed: Callable[[int], set[int]] = _absent
"""Returns the processors that a thread may run on; 0 is the present one. Raises `OSError`."""
pin: Callable[[int, set[int]], None] = _absent
"""Lets a thread run on these processors only; 0 is the present one. Raises `OSError`."""
present: Callable[[], int] = _unknown
"""Returns the number of the processor on which the present thread runs; negative where there is no `pin`."""
if sys.platform == "linux":
    with suppress(OSError, AttributeError):  # a sandbox refuses it, or Python or the C library lack it
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        present = ctypes.PyDLL(None).sched_getcpu  # PyDLL keeps the interpreter lock
        allowed, pin = os.sched_getaffinity, os.sched_setaffinity
CAN_PIN: Final = present() >= 0
"""Whether this process may pin its threads."""


class _OfCaller:
    """What the main thread may run on while it is pinned, because it called and waits; else None."""

    may: set[int] | None = None


OF_CALLER: Final = _OfCaller()


def begin_thread() -> None:
    """Let the present thread, which has just started, not keep the pin of a main thread that started it and waits."""
    may = OF_CALLER.may
    if may is not None:
        with suppress(OSError):
            pin(0, may)
