"""Keeps the engine's signal handlers in place.

Wasm traps arrive as SIGSEGV, SIGILL, SIGFPE and SIGBUS, which the engine handles; it installs its handlers once a
process. A library that installs its own later, such as `faulthandler.enable()` or the end of another pytest in
this process, would turn the next trap into the end of the process. So the handlers are remembered when the first
engine exists, and put back before a message runs where they were replaced. Linux only: the engine uses other
means on macOS and Windows.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Any, Final

_RECORD_BYTES: Final = 256
"""More than a `struct sigaction` has on any Linux; the handler's address is its first field."""

_HANDLED: Final = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")


class _Handlers:
    """The engine's handlers, by signal; empty where there is nothing to keep."""

    def __init__(self) -> None:
        self.sigaction: Any = None
        self.records: dict[int, Any] = {}
        self.current: Any = None
        self.seen: Any = None

    def remember(self) -> None:
        """Read the handlers that are installed now, unless that was done before."""
        if self.records or sys.platform != "linux":
            return
        # Without giving up the interpreter lock: the call is short, and handing the lock over costs more.
        self.sigaction = ctypes.PyDLL(None)["sigaction"]
        self.sigaction.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self.records = {int(getattr(signal, name)): _read(self.sigaction, name) for name in _HANDLED}
        self.current = ctypes.create_string_buffer(_RECORD_BYTES)
        self.seen = _address(self.records[int(signal.SIGSEGV)])


def _read(sigaction: Any, name: str) -> Any:
    record = ctypes.create_string_buffer(_RECORD_BYTES)
    sigaction(int(getattr(signal, name)), None, record)
    return record


def _address(record: Any) -> int:
    return ctypes.c_size_t.from_buffer(record).value


_HANDLERS: Final = _Handlers()


def remember() -> None:
    """Remember the handlers that the engine has just installed; only the first call has an effect."""
    _HANDLERS.remember()


def restore() -> None:
    """Put the engine's handlers back if SIGSEGV has another one now; those who replace one replace all."""
    if not _HANDLERS.records:
        return
    _HANDLERS.sigaction(_SIGSEGV, None, _HANDLERS.current)
    if _address(_HANDLERS.current) == _HANDLERS.seen:
        return
    for number, record in _HANDLERS.records.items():
        _HANDLERS.sigaction(number, record, None)


_SIGSEGV: Final = int(signal.SIGSEGV)
