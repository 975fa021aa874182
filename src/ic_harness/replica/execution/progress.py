"""How far a message is that runs on another thread.

The engine reports nothing while Wasm runs. But the code takes its instructions in portions from a global variable
(`metering.REST`), whose place in the instance's context does not change; a word of it can be read at any time. What is
read only says that a message has executed at least so much, and nothing depends on when it is read: see
`rounds.long_executions`.
"""

from __future__ import annotations

import ctypes
import threading

from .metering import PORTION


class SliceExhausted(Exception):  # noqa: N818 - not an error: the message runs again as a long one
    """A message did not end within its first slice; nothing of it remains."""


class Progress:
    """The instructions that one execution has certainly executed. Read from any thread.

    `passed` is for a message of several runs: what those count for that have ended.
    """

    def __init__(self) -> None:
        self.passed = 0
        # The engine's memory must not be given back while it is read.
        self._lock = threading.Lock()
        self._rest: ctypes.c_uint64 | None = None
        self._limit = 0

    def begin(self, address: int | None, limit: int) -> None:
        """The code runs now, with `limit` instructions; `address` is where its rest is, None where that is unknown."""
        with self._lock:
            self._rest = None if address is None else ctypes.c_uint64.from_address(address)
            self._limit = limit

    def end(self) -> None:
        """The code has stopped; its instance may go."""
        with self._lock:
            self._rest = None

    def at_least(self) -> int:
        """How many instructions the code has executed at least; 0 where that is unknown."""
        passed = self.passed  # first: the run of which the rest is read may end, and pass, meanwhile
        with self._lock:
            rest = 0 if self._rest is None else self._rest.value
        # Code that was stopped has no rest: how far it came does not show any more.
        return passed + (max(0, self._limit - rest - PORTION) if rest else 0)
