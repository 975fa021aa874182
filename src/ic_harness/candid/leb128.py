"""Reads LEB128 numbers, unsigned and signed, of any size (Candid specification, "Notation").

Overlong forms are valid. Reading takes time linear in the bytes, however large the number:
eight groups of seven bits are exactly seven bytes, so long numbers are repacked blockwise, not shifted
together.
"""

from __future__ import annotations

from typing import Final

from ic_harness.errors import CandidError

SHORT: Final = 64
"""Up to this many bytes, shifting is faster than repacking."""

_HIGH_BITS: Final = [sum(128 << 7 * index for index in range(count - 1)) for count in range(SHORT + 1)]
"""What the high bits of a number's bytes add up to, by their count; the last byte has none."""

MAX_LENGTH_BYTES: Final = 64
"""Most bytes of a length, index, label or opcode. Ten suffice for 64 bits; overlong forms are legal."""


def read_unsigned(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Read an unsigned number at `pos`: return it and the position after it. Raises `CandidError` at the end."""
    result = shift = 0
    for byte in data[pos : pos + SHORT]:
        result += byte << shift
        shift += 7
        if byte < 128:
            count = shift // 7
            return result - _HIGH_BITS[count], pos + count
    if shift < 7 * SHORT:
        raise _unfinished(pos)
    end = _find_end(data, pos)
    return _unpack(data[pos:end]), end


def read_signed(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Read a signed number at `pos`: return it and the position after it. Raises `CandidError` at the end."""
    value, end = read_unsigned(data, pos)
    if data[end - 1] & 64:
        value -= 1 << (7 * (end - pos))
    return value, end


def read_length(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Read a length, count, label or case at `pos`: return a number below 2^64, and the position after it.

    Unlike a value of type `nat` such a number is bounded while it is read, so that any use of it (printing,
    multiplying, comparing) is cheap. Raises `CandidError`.
    """
    value, end = _bounded(data, pos)
    if value >> 64:
        raise _too_wide(pos)
    return value, end


def read_index(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Read an opcode or an index into the type table: as `read_length`, but a signed number of 64 bits."""
    value, end = _bounded(data, pos)
    if data[end - 1] & 64:
        value -= 1 << (7 * (end - pos))
    if not -(1 << 63) <= value < 1 << 63:
        raise _too_wide(pos)
    return value, end


def _bounded(data: bytes | memoryview, pos: int) -> tuple[int, int]:
    """Read a number of at most `MAX_LENGTH_BYTES` bytes, without its sign."""
    result = 0
    for index, byte in enumerate(data[pos : pos + MAX_LENGTH_BYTES]):
        result |= (byte & 127) << 7 * index
        if byte < 128:
            return result, pos + index + 1
    raise _unfinished(pos) if len(data) - pos < MAX_LENGTH_BYTES else _too_wide(pos)


def _too_wide(start: int) -> CandidError:
    return CandidError("a length, label or type does not fit 64 bits", offset=start)


def _find_end(data: bytes | memoryview, start: int) -> int:
    for pos in range(start, len(data)):
        if data[pos] < 128:
            return pos + 1
    raise _unfinished(start)


def _unpack(groups: bytes | memoryview) -> int:
    """Join groups of seven bits, least significant first; the high bit of every byte is ignored."""
    packed = bytearray()
    for start in range(0, len(groups), 8):
        block = 0
        for byte in reversed(groups[start : start + 8]):
            block = block << 7 | byte & 127
        packed += block.to_bytes(7, "little")
    return int.from_bytes(packed, "little")


def _unfinished(start: int) -> CandidError:
    return CandidError("the message ends inside a number", offset=start, expected="a LEB128 number")
