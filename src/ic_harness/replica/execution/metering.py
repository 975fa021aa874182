"""Puts code into a canister's module that counts its instructions as the Internet Computer does.

The rewriting is done by a Wasm module of ours (`src/metering`), which knows the weight of every instruction. It adds a
global variable, the counter, charges it at the start of each block of instructions and before copies and fills, and
looks at it at the start of functions and loops. Code that finds it below zero adds a portion of the rest, which is
another global variable. When there is none, or when the count of interrupts (`interrupts.py`) is not that of the
message's start, it sets the counter to `EXHAUSTED` and traps. No index of the canister's own functions, types, globals
and memories changes.

A function keeps the counter in a local variable, and writes the global one at the start of each block that may trap,
call, or leave the function. So the count is exact wherever it can be seen, after a trap too.

The rewriter's engine is set up apart from the replica's, as that of `ic_harness.protocol.bls_wasm`: bounds are checked
by code, so that no signal handlers are involved. Each rewriting has an instance of its own, which is dropped after it.
"""

from __future__ import annotations

import atexit
import hashlib
import platform
import sys
import threading
from array import array
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.own_modules import read_own_module

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
_SETTINGS_VERSION: Final = "1"
"""Changes with the engine's settings, so that code compiled with others is not used."""
_STACK: Final = 256 << 10
"""Bytes of stack that the rewriter may use; nothing in it is recursive."""
_MEMORY: Final = 1 << 30
"""Bytes of memory that one rewriting may use: a module of 100 MiB with 10 MiB of code takes less than half of it."""
_DONE: Final = 0


_loaded: Final[list[tuple[wasmtime.Engine, wasmtime.Module]]] = []
"""The compiled rewriter, which all networks of the process share."""
atexit.register(_loaded.clear)  # while the engine's package is still whole
_loading: Final = threading.Lock()


@cache
def rewriter_digest() -> str:
    """Return the start of the rewriter's SHA-256, for keys of what was made by it."""
    return hashlib.sha256(read_own_module("metering")).hexdigest()[:16]


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
            status, output, insertions = self._run(wasm)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModuleInvalid(
                f"Wasm module cannot be instrumented: the rewriter failed: {reason}"
            ) from None
        if status != _DONE:
            raise ModuleInvalid(f"Wasm module cannot be instrumented: {output.decode(errors='replace')}")
        return output, insertions

    def _run(self, wasm: bytes) -> tuple[int, bytes, bytes]:
        engine, code = self._compiled()
        store = wasmtime.Store(engine)
        store.set_limits(memory_size=_MEMORY)
        try:
            exports: Any = wasmtime.Instance(store, code, []).exports(store)
            memory = exports["memory"]
            memory.write(store, wasm, exports["buffer"](store, len(wasm)))
            status = exports["rewrite"](store)
            output, insertions = (
                bytes(memory.read(store, start, start + exports[f"{name}length"](store)))
                for name in ("", "insertions_")
                for start in [exports[f"{name}address"](store)]
            )
            return status, output, insertions
        finally:
            store.close()

    def _compiled(self) -> tuple[wasmtime.Engine, wasmtime.Module]:
        with _loading:
            if not _loaded:
                engine = wasmtime.Engine(rewriter_config())
                _loaded.append((engine, self._load(engine)))
            return _loaded[0]

    def _load(self, engine: wasmtime.Engine) -> wasmtime.Module:
        key = f"metering-{rewriter_digest()}-{version('wasmtime')}-{platform.machine()}-{_SETTINGS_VERSION}"
        stored = self._cache.load(key)
        if stored is not None:
            try:
                return wasmtime.Module.deserialize(engine, stored)
            except wasmtime.WasmtimeError:  # made by an engine of other settings or for another processor
                stored = None
        module = wasmtime.Module(engine, read_own_module("metering"))
        self._cache.store(key, bytes(module.serialize()))
        return module


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


def rewriter_config() -> wasmtime.Config:
    """Return the settings of the engine that runs rewriters of modules."""
    config = wasmtime.Config()
    config.parallel_compilation = False
    config.signals_based_traps = False
    config.memory_reservation = 0
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = 16 << 20
    config.max_wasm_stack = _STACK
    return config
