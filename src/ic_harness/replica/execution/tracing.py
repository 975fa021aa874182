"""Puts code into a metered module that records what it executes: coverage, a profile, or both.

The rewriting is done by a Wasm module of ours (`src/tracing`), run by `rewriters`. What it inserts comes after
the code that counts instructions, so a canister that is traced executes as many instructions as one that is not. The
records are in memories that the host owns, which the canister's own code cannot name.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.compiled_modules import load_compiled
from ic_harness.lazy_dataclass import dataclass

from .rewriters import RewriterProgram, RewritingError

COVERAGE: Final = 1
PROFILE: Final = 2
_MEMORY: Final = 2 << 30
"""Bytes of memory that one rewriting may use."""
_PROGRAM: Final = RewriterProgram("tracing", "trace", beside="places", memory=_MEMORY)
_HEAD: Final = 4


class TracingError(Exception):
    """A module cannot be traced; the text says why."""


@dataclass(frozen=True, slots=True)
class Block:
    """Straight code of a function: offsets from the start of the code section's content, and its byte."""

    function: int
    start: int
    end: int
    byte: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A point where execution can take one of several arms; each has a byte, the first of which is `byte`.

    Of a condition the first arm is the one that is taken when it holds.
    """

    function: int
    offset: int
    byte: int
    arms: int


@dataclass(frozen=True, slots=True)
class Places:
    """What the coverage of a module is about. `functions` has the byte of each function that the module defines."""

    size: int
    functions: tuple[int, ...]
    blocks: tuple[Block, ...]
    branches: tuple[Branch, ...]

    @classmethod
    def decode(cls, content: bytes) -> Places:
        """Read what the rewriter wrote. Raises `TracingError` for other bytes."""
        numbers = array("I")
        if numbers.itemsize != 4 or len(content) % 4 or len(content) < 4 * _HEAD:
            raise TracingError("the places of a module are not numbers of 32 bits")
        numbers.frombytes(content)
        size, functions, blocks, branches = numbers[:_HEAD]
        if len(numbers) != _HEAD + functions + 4 * blocks + 4 * branches:
            raise TracingError("the places of a module are incomplete")
        first, second = _HEAD + functions, _HEAD + functions + 4 * blocks
        return cls(
            size,
            tuple(numbers[_HEAD:first]),
            tuple(Block(*numbers[at : at + 4]) for at in range(first, second, 4)),
            tuple(Branch(*numbers[at : at + 4]) for at in range(second, len(numbers), 4)),
        )


def trace_module(
    own: bytes, metered: tuple[bytes, bytes], what: int, cache: CodeCache
) -> tuple[bytes, bytes]:
    """Return a metered module with code that records what executes, and its encoded places.

    `own` is the module before metering, `metered` the result of `meter_with_insertions`, `what` a sum of `COVERAGE` and
    `PROFILE`. Any number of threads may call. Raises `TracingError`.
    """
    try:
        return _PROGRAM.run(own + b"".join(metered), len(own), len(metered[0]), what, cache=cache)
    except RewritingError as error:
        raise TracingError(str(error)) from None


def compile_traced(
    engine: wasmtime.Engine,
    own: bytes,
    meter: Callable[[bytes], tuple[bytes, bytes]],
    what: int,
    key: str,
    cache: CodeCache,
) -> tuple[wasmtime.Module, bytes]:
    """Return the compiled module that records what executes, and its encoded places, both from `cache` if it has them.

    `own` is valid. Raises `TracingError` for a module that cannot be traced; then it may run without.
    """
    key = f"{key}-traced{what}-{_PROGRAM.digest()}"
    places = cache.load(f"{key}-places")
    if places is not None and (known := load_compiled(engine, key, cache)) is not None:
        return known, places
    traced, places = trace_module(own, meter(own), what, cache)
    try:
        compiled = wasmtime.Module(engine, traced)
    except wasmtime.WasmtimeError as error:
        raise TracingError(f"with tracing it is invalid: {str(error).splitlines()[0]}") from None
    cache.store(key, bytes(compiled.serialize()))
    cache.store(f"{key}-places", places)
    return compiled, places
