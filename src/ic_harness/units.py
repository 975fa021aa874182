"""Units that must not be mixed up, as distinct types, with the conversions people need."""

from __future__ import annotations

import re
from typing import Final, NewType

Nanos = NewType("Nanos", int)
"""A time since the Unix epoch, or a duration, in nanoseconds."""

Cycles = NewType("Cycles", int)
"""An amount of cycles."""

Instructions = NewType("Instructions", int)
"""A number of executed Wasm instructions, weighted as the Internet Computer weighs them."""

SECOND: Final = Nanos(1_000_000_000)
MINUTE: Final = Nanos(60 * SECOND)
MAX_CYCLES: Final = Cycles((1 << 128) - 1)
"""The largest amount of cycles: balances are 128 bits wide and saturate."""
KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
WASM_PAGE: Final = 64 * KIB
TRILLION: Final = Cycles(1_000_000_000_000)


_INSTRUCTIONS: Final = re.compile(r"(\d{1,20})(?:\.(\d{1,9}))?\s*([kKmMbBgG]?)", re.ASCII)
_SCALES: Final = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}


def parse_instructions(value: object) -> Instructions:
    """Read a number of instructions: an integer, or a text such as `1B`, `1.5M`, `20k` or `1_000_000`.

    Raises `ValueError` for anything else, and for numbers that are not positive or not whole.
    """
    if type(value) is int and value > 0:
        return Instructions(value)
    found = _INSTRUCTIONS.fullmatch(value.strip().replace("_", "")) if isinstance(value, str) else None
    number, rest = 0, 0
    if found is not None:
        fraction = found[2] or ""
        number, rest = divmod(int(found[1] + fraction) * _SCALES[found[3].lower()], 10 ** len(fraction))
    if number <= 0 or rest:
        raise ValueError(
            "a number of instructions is a positive integer, or a text such as '1B', '500M' or '20k'"
        )
    return Instructions(number)


def human_bytes(count: int) -> str:
    """Write a number of bytes for people: `1.8 MB` (powers of ten), `512 B`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError(unit)
