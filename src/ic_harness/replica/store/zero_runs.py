"""CRC-32 over content with long runs of zeros, in a time that does not depend on how long they are.

What a run of zeros does to the register of a CRC is linear over its bits, so it is a matrix of 32 by 32 bits. That of
one zero byte is read off `zlib`; squaring it gives those of 2, 4, 8 … bytes, of which every length is made up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Final

_INVERTED: Final = 0xFFFF_FFFF  # `zlib` takes and gives the register inverted
_SHORT: Final = bytes(1 << 12)


def crc32(pieces: Iterable[tuple[int, bytes]], size: int) -> int:
    """The CRC-32 of `size` bytes that are zeros but for pieces, which are in order: offset and content."""
    checksum = done = 0
    for offset, piece in pieces:
        checksum = zlib.crc32(piece, after_zeros(checksum, offset - done))
        done = offset + len(piece)
    return after_zeros(checksum, size - done)


def after_zeros(checksum: int, length: int) -> int:
    """The CRC-32 of content and `length` zero bytes behind it, from that of the content."""
    if length <= len(_SHORT):
        return zlib.crc32(_SHORT[:length], checksum)
    register = checksum ^ _INVERTED
    for power in range(length.bit_length()):
        if length >> power & 1:
            register = _times(_matrix(power), register)
    return register ^ _INVERTED


@cache
def _matrix(power: int) -> tuple[int, ...]:
    """What 2 to the power of `power` zero bytes make of each single bit of the register."""
    if power == 0:
        return tuple(zlib.crc32(b"\0", 1 << bit ^ _INVERTED) ^ _INVERTED for bit in range(32))
    half = _matrix(power - 1)
    return tuple(_times(half, column) for column in half)


def _times(matrix: tuple[int, ...], register: int) -> int:
    result = 0
    for bit, column in enumerate(matrix):
        if register >> bit & 1:
            result ^= column
    return result
