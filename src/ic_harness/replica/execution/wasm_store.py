"""The engine's side of an instance: a store with the canister and the module of its stable memory.

Plumbing. A `WasmStore` can be thrown away and made anew from the committed images at any time between messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wasmtime

from . import instrument, signals
from .compiler import Compiler
from .host_memory import find_record, write_record
from .interface import Entry
from .interrupts import Interrupted
from .memory import LinearMemory
from .module import Module
from .native import (
    EngineError,
    NativeTrap,
    RawGlobal,
    RawInstance,
    call,
    get_fuel,
    host_function,
    set_deadline,
    set_fuel,
)
from .stable_memory_modules import SLOTS
from .validation import ModuleInvalid

_PLENTY = 1 << 62
_IGNORED = 0xFFFF_FFFF
"""The function index of a callback that no caller waits for (Motoko's one-way calls)."""
_IN_WASM = frozenset(name for name, _, _ in SLOTS)


class WasmStore:
    """One canister's code in one store."""

    def __init__(self, compiler: Compiler, module: Module, heap: LinearMemory, stable: LinearMemory) -> None:
        self._compiler = compiler
        self._module = module
        self._heap = heap
        self._stable = stable
        self._store = wasmtime.Store(compiler.native)
        set_fuel(self._store, _PLENTY)
        set_deadline(self._store, _PLENTY)
        self._forward = RawInstance(self._store, compiler.forward, [])
        self._canister = self._instantiate_canister()
        self._helper = self._instantiate_helper()
        self._call_closure = self._helper.function("call")
        self._functions: dict[str, Any] = {}
        self._globals = [
            RawGlobal(self._store, self._canister.export(name), kind) for name, kind in module.native.globals
        ]
        self._records = self._find_records()

    def _instantiate_canister(self) -> RawInstance:
        api = self._compiler.api_64 if self._module.is_64 else self._compiler.api_32
        imports = []
        for name in self._module.native.imports:
            if name in _IN_WASM:
                imports.append(self._forward.export(name))
            else:
                imports.append(host_function(self._store, api[name].kind, api[name].callback))
        kept = self._heap.image.size > 0
        self._compiler.creator.offer(self._heap)
        try:
            instance = RawInstance(self._store, self._module.native.code, imports)
        except NativeTrap as error:
            section = "data" if error.code is wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS else "element"
            raise ModuleInvalid(f"Wasm module has an invalid {section} section. {error.message}") from None
        except EngineError as error:
            raise ModuleInvalid(f"Wasm module cannot be instantiated. {error}") from None
        if kept:  # the memory has its content already: data segments must not be written over it
            size = self._heap.size
            self._heap.rollback()
            self._heap.grow(size)
        return instance

    def _instantiate_helper(self) -> RawInstance:
        native = self._module.native
        code = self._compiler.stable_module(heap_64=self._module.is_64, table_64=native.table_64)
        failures = [
            host_function(self._store, item.kind, item.callback) for item in self._compiler.stable_failures
        ]
        memory, table = self._canister.export(instrument.MEMORY), self._canister.export(instrument.TABLE)
        self._compiler.creator.offer(self._stable)
        return RawInstance(self._store, code, [memory, table, self._forward.export("slots"), *failures])

    def _find_records(self) -> tuple[int, int] | None:
        anchor = self._canister.export(instrument.ANCHOR)
        if anchor is None:
            return None
        heap = find_record(self._store, anchor.of.func, self._heap, len(self._module.native.imports))
        stable = find_record(self._store, self._call_closure, self._stable, 4)
        return None if heap is None or stable is None else (heap, stable)

    def enter(self, entry: Entry, instructions: int, since: int) -> None:
        """Run an exported function or a closure; raises KeyError, NativeTrap, EngineError, Interrupted.

        `since` is the number of interrupts that the caller has taken into account.
        """
        signals.restore()
        set_fuel(self._store, instructions)
        set_deadline(self._store, 1)
        if self._compiler.interrupts.count != since:
            raise Interrupted
        if entry.callback is not None:
            if entry.callback.function == _IGNORED:
                return
            arguments: Sequence[int] = (entry.callback.function, entry.callback.environment)
            call(self._store, self._call_closure, arguments)
            return
        name = entry.export or ""
        if name not in self._functions:
            self._functions[name] = self._canister.function(name)
        call(self._store, self._functions[name])

    def fuel_left(self) -> int:
        """Instructions that the running message may still use."""
        return get_fuel(self._store)

    def read_globals(self) -> tuple[int, ...]:
        """The values of all mutable globals, as bits."""
        return tuple(item.get() for item in self._globals)

    def write_globals(self, values: tuple[int, ...]) -> None:
        """Set all mutable globals."""
        for item, bits in zip(self._globals, values, strict=True):
            item.set(bits)

    def fit_lengths(self) -> bool:
        """Make the engine's memory lengths those of our memories; False when that takes a new instance."""
        if self._records is None:
            return False
        heap_moved = write_record(self._records[0], self._heap)
        stable_moved = write_record(self._records[1], self._stable)
        if not (heap_moved or stable_moved):
            return True
        set_fuel(self._store, _PLENTY)
        set_deadline(self._store, _PLENTY)
        seen = [call(self._store, self._helper.function(name)) for name in ("heap_size", "stable_bytes")]
        return seen == [self._heap.size, self._stable.size]

    def close(self) -> None:
        """Free the store."""
        self._store.close()
