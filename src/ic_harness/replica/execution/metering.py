"""Puts code into a canister's module that counts its instructions as the Internet Computer does.

The rewriting is done by a Wasm module of ours (`src/metering`, run by `rewriters`), which knows the weight of every
instruction. It adds a global variable, the counter, charges it at the start of each block of instructions and before
copies and fills, and looks at it at the start of functions and loops. Code that finds it below zero adds a portion of
the rest, which is another global variable. When there is none, or when the count of interrupts (`interrupts.py`) is not
that of the message's start, it sets the counter to `EXHAUSTED` and traps. No index of the canister's own functions,
types, globals and memories changes.

A function keeps the counter in a local variable, and writes the global one at the start of each block that may trap,
call, or leave the function. So the count is exact wherever it can be seen, after a trap too.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

from ic_harness.code_cache import CodeCache
from ic_harness.lazy_dataclass import dataclass

from .rewriters import RewriterProgram, RewritingError
from .validation import ModuleInvalid

COUNTER: Final = "ic-harness instructions"
"""The export with the instructions that are left of those that were granted."""
REST: Final = "ic-harness rest"
"""The export with those that were not granted yet, a multiple of `PORTION`."""
SINCE: Final = "ic-harness since"
"""The export with the count of interrupts when the message began."""
GRANT: Final = "ic-harness grant"
"""The export with the function that takes the counter when that is below zero, and returns its new value or traps."""
PORTION: Final = 10_000_000
"""Instructions that are granted at once: after each portion a message looks whether it was interrupted."""
EXHAUSTED: Final = -(1 << 63)
"""The counter's value after the code trapped because its instructions were used up, or because it was interrupted."""
_MEMORY: Final = 1 << 30
"""Bytes of memory that one rewriting may use: a module of 100 MiB with 10 MiB of code takes less than half of it."""
_PROGRAM: Final = RewriterProgram("metering", "rewrite", beside="insertions", memory=_MEMORY)


def rewriter_digest() -> str:
    """Return the start of the rewriter's SHA-256, for keys of what was made by it."""
    return _PROGRAM.digest()


class Rewriter:
    """Rewrites modules; any number of threads may call. It is compiled, or loaded from `cache`, at first use."""

    def __init__(self, cache: CodeCache) -> None:
        self._cache = cache

    def meter(self, wasm: bytes) -> bytes:
        """Return a valid module with code that counts instructions. Raises `ModuleInvalid`."""
        return self.meter_with_insertions(wasm)[0]

    def meter_with_insertions(self, wasm: bytes) -> tuple[bytes, bytes]:
        """Return a valid module with code that counts, and what was inserted; `insertions_of` reads that.

        Raises `ModuleInvalid`.
        """
        try:
            return _PROGRAM.run(wasm, cache=self._cache)
        except RewritingError as error:
            text = str(error) if error.final else f"Wasm module cannot be instrumented: {error}"
            raise ModuleInvalid(text) from None


@dataclass(frozen=True, slots=True)
class Insertions:
    """What was inserted into a function: offsets from its start, that of its local variables.

    `own_start` and `start` are the offsets of the first instruction in the canister's function and in the rewritten
    one; `points` has for each insertion the offset in the canister's function, and the number of bytes inserted there.
    """

    own_start: int
    start: int
    points: tuple[tuple[int, int], ...]


def insertions_of(encoded: bytes) -> list[Insertions]:
    """Return what was inserted into each function that the module defines."""
    numbers = array("I" if array("I").itemsize == 4 else "L")
    numbers.frombytes(encoded)
    if sys.byteorder == "big":
        numbers.byteswap()
    found, position = [], 0
    while position < len(numbers):
        count, own_start, start = numbers[position : position + 3]
        position += 3
        end = position + 2 * count
        points = tuple(zip(numbers[position:end:2], numbers[position + 1 : end : 2], strict=True))
        found.append(Insertions(own_start, start, points))
        position = end
    return found
