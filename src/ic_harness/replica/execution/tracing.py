"""Puts code into a metered module that records what it executes: coverage, a profile, or both.

The rewriting is done by a Wasm module of ours (`src/tracing`), run like that of `metering`. What it inserts comes after
the code that counts instructions, so a canister that is traced executes as many instructions as one that is not. The
records are in memories that the host owns, which the canister's own code cannot name.
"""

from __future__ import annotations

import atexit
import hashlib
import platform
import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.own_modules import read_own_module

from .metering import rewriter_config

COVERAGE: Final = 1
PROFILE: Final = 2
_MEMORY: Final = 2 << 30
"""Bytes of memory that one rewriting may use."""
_SETTINGS_VERSION: Final = "1"
"""Changes with the engine's settings, so that code compiled with others is not used."""
_DONE: Final = 0
_HEAD: Final = 4

_loaded: Final[list[tuple[wasmtime.Engine, wasmtime.Module]]] = []
"""The compiled rewriter, which all networks of the process share."""
atexit.register(_loaded.clear)  # while the engine's package is still whole
_loading: Final = threading.Lock()


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


@cache
def tracer_digest() -> str:
    """Return the start of the rewriter's SHA-256, for keys of what was made by it."""
    return hashlib.sha256(read_own_module("tracing")).hexdigest()[:16]


def trace_module(
    own: bytes, metered: tuple[bytes, bytes], what: int, cache: CodeCache
) -> tuple[bytes, bytes]:
    """Return a metered module with code that records what executes, and its encoded places.

    `own` is the module before metering, `metered` the result of `meter_with_insertions`, `what` a sum of `COVERAGE` and
    `PROFILE`. Any number of threads may call. Raises `TracingError`.
    """
    try:
        status, output, places = _run(own, metered, what, cache)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise TracingError(f"the rewriter failed: {str(error).splitlines()[0]}") from None
    if status != _DONE:
        raise TracingError(output.decode(errors="replace"))
    return output, places


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
    key = f"{key}-traced{what}-{tracer_digest()}"
    code, places = cache.load(key), cache.load(f"{key}-places")
    try:
        if code is not None and places is not None:
            return wasmtime.Module.deserialize(engine, code), places
    except wasmtime.WasmtimeError:  # made by an engine of other settings or for another processor
        pass
    traced, places = trace_module(own, meter(own), what, cache)
    try:
        compiled = wasmtime.Module(engine, traced)
    except wasmtime.WasmtimeError as error:
        raise TracingError(f"with tracing it is invalid: {str(error).splitlines()[0]}") from None
    cache.store(key, bytes(compiled.serialize()))
    cache.store(f"{key}-places", places)
    return compiled, places


def _run(own: bytes, metered: tuple[bytes, bytes], what: int, cache: CodeCache) -> tuple[int, bytes, bytes]:
    engine, code = _compiled(cache)
    store = wasmtime.Store(engine)
    store.set_limits(memory_size=_MEMORY)
    try:
        exports: Any = wasmtime.Instance(store, code, []).exports(store)
        memory = exports["memory"]
        content = own + b"".join(metered)
        memory.write(store, content, exports["buffer"](store, len(content)))
        status = exports["trace"](store, len(own), len(metered[0]), what)
        parts = [
            bytes(memory.read(store, start, start + exports[f"{name}length"](store)))
            for name in ("", "places_")
            for start in [exports[f"{name}address"](store)]
        ]
        return status, parts[0], parts[1]
    finally:
        store.close()


def _compiled(cache: CodeCache) -> tuple[wasmtime.Engine, wasmtime.Module]:
    with _loading:
        if not _loaded:
            engine = wasmtime.Engine(rewriter_config())
            _loaded.append((engine, _load(engine, cache)))
        return _loaded[0]


def _load(engine: wasmtime.Engine, cache: CodeCache) -> wasmtime.Module:
    key = f"tracing-{tracer_digest()}-{version('wasmtime')}-{platform.machine()}-{_SETTINGS_VERSION}"
    stored = cache.load(key)
    if stored is not None:
        try:
            return wasmtime.Module.deserialize(engine, stored)
        except wasmtime.WasmtimeError:  # made by an engine of other settings or for another processor
            stored = None
    module = wasmtime.Module(engine, read_own_module("tracing"))
    cache.store(key, bytes(module.serialize()))
    return module
