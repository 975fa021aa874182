"""The processors that a thread may run on: its CPU affinity, as sched_setaffinity(2) has it. Linux only.

Called for every message, so these are functions of the C library. `pin` and `give_way` let other threads have the
interpreter meanwhile: the system may run one of them at once, and it would only find the interpreter taken. Threads
and processes inherit the processors of the thread that starts them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

_WORD_BITS: Final = 64


def _unknown() -> int:
    return -1


def _absent(*_: object) -> Any:
    raise OSError("threads cannot be pinned here")


allowed: Callable[[int], set[int]] = _absent
"""Returns the processors that a thread may run on; 0 is the present one. Raises `OSError`."""
pin: Callable[[int, int, object], int] = _absent
"""Lets a thread (0: the present one) run on certain processors only: size and address of a `mask`; 0 if it does."""
present: Callable[[], int] = _unknown
"""Returns the number of the processor on which the present thread runs; negative where there is no `pin`."""
give_way: Callable[[], int] = _unknown
"""Lets the other threads that wait for the present processor run first."""
if sys.platform == "linux":
    with suppress(OSError, AttributeError):  # a sandbox refuses it, or Python or the C library lack it
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        _library = ctypes.CDLL(None)
        pin, give_way = _library.sched_setaffinity, _library.sched_yield
        _library.sched_setaffinity.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p]
        allowed = os.sched_getaffinity
        present = ctypes.PyDLL(None).sched_getcpu  # PyDLL keeps the interpreter, for so short a call
CAN_PIN: Final = present() >= 0
"""Whether this process may pin its threads."""


@lru_cache(maxsize=1024)
def mask(numbers: frozenset[int]) -> ctypes.Array[ctypes.c_char]:
    """Return the processors with these numbers, at least one, as a `cpu_set_t`."""
    size = (max(numbers) // _WORD_BITS + 1) * _WORD_BITS // 8
    bits = sum(1 << number for number in numbers)
    return ctypes.create_string_buffer(bits.to_bytes(size, sys.byteorder), size)
