"""One running message: what it sees, what it has asked for so far.

The functions of `api/` read and change a frame; it becomes `Effects` when the message succeeds and is
dropped when it traps.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from ic_harness.replica.state.replicated_state import Callback
from ic_harness.units import MAX_CYCLES

from .interface import Effects, Environment, OutgoingCall, Reject, Reply
from .traps import heap_out_of_bounds


class Heap(Protocol):
    """The canister's memory while it runs: address and size in bytes."""

    base: int
    size: int


@dataclass(slots=True)
class CallDraft:
    """A call under construction, from call_new to call_perform."""

    callee: bytes
    method: str
    on_reply: Callback
    on_reject: Callback
    on_cleanup: Callback | None = None
    payload: bytearray = field(default_factory=bytearray)
    cycles: int = 0
    timeout_s: int | None = None


LOG_BYTES: Final = 2 << 20
"""Of what a message prints, the newest that is kept: the largest `log_memory_limit` that a canister may have."""
_LINE_BYTES: Final = 20
"""What a line counts besides its content."""


class Lines:
    """What a message printed: its newest lines, `LOG_BYTES` at most, so that an endless loop fills no memory."""

    __slots__ = ("_lines", "_size")

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0

    def append(self, line: bytes) -> None:
        """Add a line, and forget the oldest ones beyond the limit."""
        lines = self._lines
        lines.append(line)
        self._size += len(line) + _LINE_BYTES
        while self._size > LOG_BYTES:
            self._size -= len(lines.popleft()) + _LINE_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._lines)


@dataclass(slots=True, eq=False)
class Frame:
    """The state of a running message. Cycles are counted as the message sees them."""

    env: Environment
    heap: Heap
    is_64: bool
    fuel_left: Callable[[], int]
    task: str = ""
    """`heartbeat`, `global timer` or `on low wasm memory` in a system task."""
    reply: bytearray = field(default_factory=bytearray)
    answer: Reply | Reject | None = None
    draft: CallDraft | None = None
    calls: list[OutgoingCall] = field(default_factory=list)
    payload_bytes: int = 0
    """Of all `calls`."""
    slots_used: dict[bytes, int] = field(default_factory=dict)
    certified_data: bytes | None = None
    timer_ns: int | None = None
    accepted_message: bool = False
    cycles_accepted: int = 0
    cycles_burned: int = 0
    cycles_sent: int = 0
    overhead: int = 0
    """Instructions that calls of the system API count for, besides those of the canister's code."""
    fees_held: int = 0
    """Cycles that the fees of calls may take; they are still in the balance, but not free."""
    logs: Lines = field(default_factory=Lines)
    failure: BaseException | None = None
    """What stopped the message inside a system call."""

    def read(self, address: int, size: int) -> bytes:
        """Copy `size` bytes out of the canister's memory; traps when they are not all inside."""
        if address + size > self.heap.size:
            raise heap_out_of_bounds()
        return ctypes.string_at(self.heap.base + address, size) if size else b""

    def write(self, address: int, content: bytes) -> None:
        """Copy bytes into the canister's memory; traps when they do not fit."""
        if address + len(content) > self.heap.size:
            raise heap_out_of_bounds()
        ctypes.memmove(self.heap.base + address, content, len(content))

    @property
    def instructions(self) -> int:
        """Instructions that this message has used so far: by its code and by its calls of the system API."""
        return self.env.instruction_limit - self.fuel_left() + self.overhead

    @property
    def balance(self) -> int:
        """Cycles that the canister has at this moment."""
        draft = self.draft.cycles if self.draft else 0
        spent = self.cycles_burned + self.cycles_sent + draft
        return min(self.env.balance + self.cycles_accepted - spent, MAX_CYCLES)

    @property
    def liquid_balance(self) -> int:
        """Cycles that the canister may spend at this moment without freezing."""
        draft = self.draft.cycles if self.draft else 0
        spent = self.cycles_burned + self.cycles_sent + self.fees_held + draft
        return min(max(0, self.env.liquid_balance + self.cycles_accepted - spent), MAX_CYCLES)

    @property
    def answered(self) -> bool:
        """True when the call context has its answer, from this message or an earlier one."""
        return self.env.answered or self.answer is not None

    def effects(self) -> Effects:
        """What the message asked for, once it has succeeded."""
        return Effects(
            answer=self.answer,
            calls=tuple(self.calls),
            certified_data=self.certified_data,
            global_timer_ns=self.timer_ns,
            cycles_accepted=self.cycles_accepted,
            cycles_burned=self.cycles_burned,
            accepted_message=self.accepted_message,
        )


class _Running(threading.local):
    """The message that this thread runs."""

    frame: Frame | None = None


RUNNING = _Running()
