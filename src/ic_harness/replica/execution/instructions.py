"""Finds out whether a module changes its own tables or drops its segments while it runs.

The network makes a new instance for every message, with memory and globals carried over: tables and dropped
segments start afresh each time. Our instances live on, so the few modules that do such things must be made
anew after each message. Reading every instruction in Python would take longer than compiling them; only
bodies that hold the bytes of such an instruction are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .wasm_binary import WasmBinary
from .wasm_reader import Reader, WasmDecodeError

_TABLE_SET: Final = 0x26
_PREFIX: Final = 0xFC
_CHANGING = frozenset({0x09, 0x0C, 0x0D, 0x0E, 0x0F, 0x11})
"""After 0xFC: data.drop, table.init, elem.drop, table.copy, table.grow, table.fill."""


def changes_instance_state(binary: WasmBinary) -> bool:
    """Whether any function sets, grows or fills a table or drops a segment."""
    suspect = _suspect(max(1, len(binary.tables))).search
    return any(suspect(body) is not None and _body_changes(body) for body in binary.bodies)


def _suspect(tables: int) -> re.Pattern[bytes]:
    """What a changing instruction looks like in a module with so many tables, numbers in long forms too."""
    last = min(tables - 1, 0x7F)
    short, long = re.escape(bytes([last])), re.escape(bytes([last | 0x80]))
    table_set = rb"\x26(?:[\x00-" + short + rb"]|[\x80-" + long + rb"]\x80*\x00)"
    return re.compile(table_set + rb"|\xfc(?:[\x09\x0c-\x0f\x11]|[\x89\x8c-\x8f\x91]\x80*\x00)", re.DOTALL)


def _body_changes(body: bytes) -> bool:
    """Whether a function changes the state of its instance. Raises `WasmDecodeError`.

    One loop over local variables: a reader's calls would take three times as long, and every process that installs a
    large module waits for this.
    """
    try:
        return _changes(body, _first_instruction(body))
    except IndexError:
        raise WasmDecodeError("unexpected end of a function") from None


def _first_instruction(body: bytes) -> int:
    reader = Reader(body)
    for _ in range(reader.number()):
        reader.number()
        reader.byte()
    return reader.position


def _changes(body: bytes, pos: int) -> bool:
    numbers_of, end = _NUMBERS, len(body)
    while pos < end:
        opcode = body[pos]
        pos += 1
        numbers = numbers_of[opcode]
        if numbers < 0:
            if opcode == _TABLE_SET:
                return True
            if opcode == _PREFIX and _prefix_changes(body, pos):
                return True
            pos = _pass_over(body, pos, opcode)
            continue
        for _ in range(numbers):
            while body[pos] > 0x7F:
                pos += 1
            pos += 1
    return False


def _prefix_changes(body: bytes, pos: int) -> bool:
    number = body[pos]
    return (_reader(body, pos).number() if number > 0x7F else number) in _CHANGING


def _reader(body: bytes, pos: int) -> Reader:
    reader = Reader(body)
    reader.position = pos
    return reader


def _pass_over(body: bytes, pos: int, opcode: int) -> int:
    """Return the position behind what follows an opcode that has more than a fixed count of numbers."""
    immediate = _IMMEDIATES.get(opcode)
    if immediate is None:
        raise WasmDecodeError(f"unknown instruction 0x{opcode:02x}")
    reader = _reader(body, pos)
    immediate(reader)
    return reader.position


def _prefixed(reader: Reader) -> None:
    _numbers(reader, {0x08: 2, 0x0A: 2, 0x0B: 1, 0x10: 1}.get(reader.number(), 0))


def _numbers(reader: Reader, count: int) -> None:
    for _ in range(count):
        reader.number()


def _branch_table(reader: Reader) -> None:
    _numbers(reader, reader.number() + 1)


def _select_types(reader: Reader) -> None:
    reader.take(reader.number())


def _vector(reader: Reader) -> None:
    number = reader.number()
    if number <= 11 or 92 <= number <= 93:
        _numbers(reader, 2)
    elif number in (12, 13):
        reader.take(16)
    elif 21 <= number <= 34:
        reader.byte()
    elif 84 <= number <= 91:
        _numbers(reader, 2)
        reader.byte()


_IMMEDIATES: Final[dict[int, Callable[[Reader], object]]] = {
    0x0E: _branch_table,
    0x1C: _select_types,
    0x43: lambda reader: reader.take(4),
    0x44: lambda reader: reader.take(8),
    _PREFIX: _prefixed,
    0xFD: _vector,
}
"""What follows these opcodes."""
_ONE: Final = frozenset(
    (
        0x02,
        0x03,
        0x04,
        0x0C,
        0x0D,
        0x10,
        0x12,
        0x20,
        0x21,
        0x22,
        0x23,
        0x24,
        0x25,
        0x3F,
        0x40,
        0x41,
        0x42,
        0xD0,
        0xD2,
    )
)
_TWO: Final = frozenset((0x11, 0x13, *range(0x28, 0x3F)))
_KNOWN: Final = frozenset((*range(0xC5), 0xD1, *_ONE))
_NUMBERS: Final = tuple(
    -1
    if code == _TABLE_SET or code in _IMMEDIATES or code not in _KNOWN
    else (code in _ONE) + 2 * (code in _TWO)
    for code in range(256)
)
"""For each opcode how many numbers follow it, -1 for what `_changes` looks at itself."""
