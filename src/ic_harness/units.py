"""Units that must not be mixed up, as distinct types, with the conversions people need."""

from __future__ import annotations

from typing import Final, NewType

Nanos = NewType("Nanos", int)
"""A time since the Unix epoch, or a duration, in nanoseconds."""

Cycles = NewType("Cycles", int)
"""An amount of cycles."""

Instructions = NewType("Instructions", int)
"""A number of executed Wasm instructions, as the engine's fuel counts them."""

SECOND: Final = Nanos(1_000_000_000)
MINUTE: Final = Nanos(60 * SECOND)
MAX_CYCLES: Final = Cycles((1 << 128) - 1)
"""The largest amount of cycles: balances are 128 bits wide and saturate."""
KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
WASM_PAGE: Final = 64 * KIB
TRILLION: Final = Cycles(1_000_000_000_000)


def human_bytes(count: int) -> str:
    """Write a number of bytes for people: `1.8 MB` (powers of ten), `512 B`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError(unit)
