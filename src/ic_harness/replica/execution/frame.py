"""One running message: what it sees, what it has asked for so far.

The functions of `api/` read and change a frame; it becomes `Effects` when the message succeeds and is
dropped when it traps.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, Final, Protocol

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution.charging import liquid
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.replicated_state import Callback, Canister
from ic_harness.units import MAX_CYCLES

from .interface import Effects, Environment, Mode, OutgoingCall, Reject, Reply
from .traps import contract, heap_out_of_bounds


def environment(canister: Canister, subnet: Subnet, time_ns: int, mode: Mode, **more: Any) -> Environment:
    """What code of `canister` observes in `mode`; `more` holds what the message adds to it."""
    settings = canister.settings
    return Environment(
        mode=mode,
        time_ns=time_ns,
        canister_id=canister.id,
        subnet_id=subnet.id,
        root_key=subnet.root_key,
        controllers=frozenset(settings.controllers),
        version=canister.version,
        status=int(canister.status),
        balance=canister.cycles,
        liquid_balance=liquid(canister, subnet.fees),
        global_timer_ns=canister.global_timer_ns,
        wasm_memory_limit=settings.wasm_memory_limit,
        environment_variables=settings.environment_variables,
        fees=subnet.fees,
        **more,
    )


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

    __slots__ = ("_lines", "size")

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self.size = 0
        """Bytes of the lines that are kept, with what each counts besides."""

    def append(self, line: bytes) -> None:
        """Add a line, and forget the oldest ones beyond the limit."""
        lines = self._lines
        lines.append(line)
        self.size += len(line) + _LINE_BYTES
        while self.size > LOG_BYTES:
            self.size -= len(lines.popleft()) + _LINE_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._lines)


@dataclass(slots=True, eq=False)
class Frame:
    """The state of a running message. Cycles are counted as the message sees them."""

    env: Environment
    heap: Heap
    is_64: bool
    instructions_left: Callable[[], int]
    """What the code may still execute, without the calls of the system API; negative when it executed more."""
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
    cycles_minted: int = 0
    cycles_sent: int = 0
    overhead: int = 0
    """Instructions that calls of the system API count for, besides those of the canister's code."""
    fees_held: int = 0
    """Cycles that the calls of this message pay in advance."""
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
        return self.env.instruction_limit - self.instructions_left() + self.overhead

    @property
    def balance(self) -> int:
        """Cycles that the canister has at this moment."""
        draft = self.draft.cycles if self.draft else 0
        spent = self.cycles_burned + self.cycles_sent + self.fees_held + draft
        return min(self.env.balance + self.cycles_accepted + self.cycles_minted - spent, MAX_CYCLES)

    @property
    def liquid_balance(self) -> int:
        """Cycles that the canister may spend at this moment without freezing."""
        draft = self.draft.cycles if self.draft else 0
        spent = self.cycles_burned + self.cycles_sent + self.fees_held + draft
        gained = self.cycles_accepted + self.cycles_minted
        return min(max(0, self.env.liquid_balance + gained - spent), MAX_CYCLES)

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
            cycles_minted=self.cycles_minted,
            accepted_message=self.accepted_message,
        )


SizeFunction = Callable[[Frame], int]
CopyFunction = Callable[[Frame, int, int, int], None]


def copy_part(frame: Frame, name: str, value: bytes, *part: int) -> None:
    """Copy `value[offset:offset + size]` to `address`; the part must lie inside the value.

    `part` is (address, offset, size), as the canister passed them.
    """
    address, offset, size = part
    if offset + size > len(value):
        raise contract(
            f"{name}: offset {offset} + size {size} is out of bounds of a value of {len(value)} bytes"
        )
    if address + size > frame.heap.size:
        raise heap_out_of_bounds()
    frame.write(address, value[offset : offset + size])


def value_functions(name: str, value: Callable[[Frame], bytes]) -> tuple[SizeFunction, CopyFunction]:
    """Return `<name>_size` and `<name>_copy`, by which a canister fetches what `value` finds in a frame."""

    def size(frame: Frame) -> int:
        return len(value(frame))

    def copy(frame: Frame, address: int, offset: int, count: int) -> None:
        copy_part(frame, f"ic0.{name}_copy", value(frame), address, offset, count)

    return size, copy


class _Running(threading.local):
    """The message that this thread runs."""

    frame: Frame | None = None


RUNNING = _Running()
