"""Finds out whether a module changes its own tables or drops its segments while it runs.

The network makes a new instance for every message, with memory and globals carried over: tables and dropped
segments start afresh each time. Our instances live on, so the few modules that do such things must be made
anew after each message. Reading every instruction in Python would take longer than compiling them; only
bodies that hold the bytes of such an instruction are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .wasm_binary import WasmBinary
from .wasm_reader import Reader, WasmDecodeError, skip_signed

_TABLE_SET = 0x26
_CHANGING = frozenset({0x09, 0x0C, 0x0D, 0x0E, 0x0F, 0x11})
"""After 0xFC: data.drop, table.init, elem.drop, table.copy, table.grow, table.fill."""


def changes_instance_state(binary: WasmBinary) -> bool:
    """Whether any function sets, grows or fills a table or drops a segment."""
    suspect = _suspect(max(1, len(binary.tables))).search
    return any(suspect(body) is not None and _body_changes(body) for body in binary.bodies)


def _suspect(tables: int) -> re.Pattern[bytes]:
    """What a changing instruction looks like in a module with so many tables."""
    last_index = re.escape(bytes([min(tables - 1, 0xFF)]))
    return re.compile(rb"\x26[\x00-" + last_index + rb"]|\xfc[\x09\x0c-\x0f\x11]", re.DOTALL)


def _body_changes(body: bytes) -> bool:
    reader = Reader(body)
    for _ in range(reader.number()):
        reader.number()
        reader.byte()
    while not reader.done:
        opcode = reader.byte()
        if opcode == _TABLE_SET:
            return True
        if opcode == 0xFC:
            if (number := reader.number()) in _CHANGING:
                return True
            _skip_prefixed(reader, number)
        else:
            _skip(reader, opcode)
    return False


def _skip_prefixed(reader: Reader, number: int) -> None:
    for _ in range({0x08: 2, 0x0A: 2, 0x0B: 1, 0x10: 1}.get(number, 0)):
        reader.number()


def _skip(reader: Reader, opcode: int) -> None:
    immediate = _IMMEDIATES.get(opcode)
    if immediate is not None:
        immediate(reader)
    elif opcode > 0xC4 and opcode != 0xD1:
        raise WasmDecodeError(f"unknown instruction 0x{opcode:02x}")


def _one(reader: Reader) -> None:
    reader.number()


def _two(reader: Reader) -> None:
    reader.number()
    reader.number()


def _branch_table(reader: Reader) -> None:
    for _ in range(reader.number() + 1):
        reader.number()


def _select_types(reader: Reader) -> None:
    for _ in range(reader.number()):
        reader.byte()


def _four_bytes(reader: Reader) -> None:
    reader.take(4)


def _eight_bytes(reader: Reader) -> None:
    reader.take(8)


def _vector(reader: Reader) -> None:
    number = reader.number()
    if number <= 11 or 92 <= number <= 93:
        _two(reader)
    elif number in (12, 13):
        reader.take(16)
    elif 21 <= number <= 34:
        reader.byte()
    elif 84 <= number <= 91:
        _two(reader)
        reader.byte()


_IMMEDIATES: dict[int, Callable[[Reader], None]] = {
    **dict.fromkeys((0x02, 0x03, 0x04), skip_signed),
    **dict.fromkeys(
        (0x0C, 0x0D, 0x10, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3F, 0x40, 0xD0, 0xD2), _one
    ),
    0x0E: _branch_table,
    0x11: _two,
    0x13: _two,
    0x1C: _select_types,
    **dict.fromkeys(range(0x28, 0x3F), _two),
    0x41: skip_signed,
    0x42: skip_signed,
    0x43: _four_bytes,
    0x44: _eight_bytes,
    0xFD: _vector,
}
"""What follows an opcode; those up to 0xC4 that are not here have nothing behind them."""
