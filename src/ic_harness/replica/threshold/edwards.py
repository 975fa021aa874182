"""Multiples of the base point of Ed25519.

`cryptography` makes keys of seeds only, and a derived key has no seed: it is a scalar. RFC 8032, section 5.1; the
formulas are those of Hisil, Wong, Carter and Dawson for extended coordinates, complete for this curve. A table of the
64 windows of four bits (made once, about 5 ms) leaves 64 additions a multiple, about 0.3 ms. The time depends on the
scalar: keys of a test network are no secrets.
"""

from __future__ import annotations

import functools
from typing import Final, TypeAlias

Point: TypeAlias = tuple[int, int, int, int]
"""X, Y, Z and T with x = X/Z, y = Y/Z, xy = T/Z."""

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
_D2: Final = 2 * _D % PRIME
_ROOT: Final = pow(2, (PRIME - 1) // 4, PRIME)
"""A square root of -1."""
ZERO: Final[Point] = (0, 1, 1, 0)


def add(left: Point, right: Point) -> Point:
    """Add two points."""
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a = (y1 - x1) * (y2 - x2) % PRIME
    b = (y1 + x1) * (y2 + x2) % PRIME
    c = t1 * t2 * _D2 % PRIME
    d = 2 * z1 * z2 % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def base_multiple(scalar: int) -> Point:
    """That multiple of the base point; the scalar counts modulo the order."""
    scalar %= ORDER
    total = ZERO
    for window in _table():
        if scalar & 15:
            total = add(total, window[scalar & 15])
        scalar >>= 4
    return total


@functools.cache
def _table() -> tuple[tuple[Point, ...], ...]:
    """Row i holds 0 … 15 times 16^i times the base point."""
    rows, unit = [], decompress((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    for _ in range(64):
        row = [ZERO]
        for _ in range(16):
            row.append(add(row[-1], unit))
        rows.append(tuple(row[:16]))
        unit = row[16]
    return tuple(rows)


def compress(point: Point) -> bytes:
    """Encode as 32 bytes: y, and the lowest bit of x."""
    x, y, z, _ = point
    inverse = pow(z, -1, PRIME)
    return (y * inverse % PRIME | (x * inverse % PRIME & 1) << 255).to_bytes(32, "little")


def decompress(encoded: bytes) -> Point:
    """Decode 32 bytes. Raises `ValueError` when they are no point of the curve."""
    number = int.from_bytes(encoded, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * _ROOT % PRIME
    if len(encoded) != 32 or y >= PRIME or x * x % PRIME != square or (odd and not x):
        raise ValueError("no point of the curve of Ed25519")
    if x & 1 != odd:
        x = PRIME - x
    return x, y, 1, x * y % PRIME
