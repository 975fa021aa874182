"""Stops Wasm that is running, from any thread.

Interrupts are counted in a memory that all canisters of an engine share. A message has the count of when it began, and
is granted its instructions in portions (`metering.PORTION`); where the count is another one it gets no more. Then it
stops with `Interrupted` and is rolled back, and its caller decides by its own flags whether to run it again.

An interrupt that arrives between that decision and the start of the Wasm must not be lost: a runner reads `count`
before it looks at its flags, and passes it to `Instance.run`, for the message to compare with.
"""

from __future__ import annotations

import ctypes
from operator import attrgetter
from typing import Final

_PAGE: Final = 1 << 16


class Interrupted(Exception):  # noqa: N818 - not an error: the message may be run again
    """Wasm was stopped by `Interrupts.interrupt`; nothing of its message remains."""


class Interrupts:
    """The interrupts of one engine, and the memory of one page that holds their count at address 0."""

    def __init__(self) -> None:
        self._room = (ctypes.c_uint8 * (2 * _PAGE))()
        address = ctypes.addressof(self._room)
        self.base = address - address % -_PAGE
        self.size = self.capacity = self.hard_limit = _PAGE
        self.soft_limit = self.refused = 0
        self._count = ctypes.c_uint64.from_address(self.base)

    count = property(attrgetter("_count.value"), doc="How many there were so far.")

    def grow(self, size: int) -> bool:
        """Return whether it has `size` bytes: it never grows."""
        return size <= self.size

    def interrupt(self) -> None:
        """Stop all messages that run now, within milliseconds. Any thread may call, a signal handler too."""
        self._count.value += 1
