"""The engine's side of an instance: a store with the canister and the module of its stable memory.

Plumbing. A `WasmStore` can be thrown away and made anew from the committed images at any time between messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wasmtime

from . import instrument
from .compiler import Compiler
from .host_memory import Buffer, find_globals, find_record, write_record
from .interface import Entry
from .interrupts import Interrupted
from .memory import LinearMemory
from .metering import COUNTER, EXHAUSTED, GRANT, PORTION, REST, SINCE
from .module import Module
from .native import (
    EngineError,
    NativeTrap,
    RawGlobal,
    RawInstance,
    call,
    enter,
    host_function,
    restore_handlers,
)
from .progress import Progress
from .stable_memory_modules import MESSAGE, SLOTS
from .validation import ModuleInvalid
from .wasm_reader import I32, I64

_IGNORED = 0xFFFF_FFFF
"""The function index of a callback that no caller waits for (Motoko's one-way calls)."""
_GLOBAL_BYTES = 16
_SIGNS = 0x3A5C_7E19_0D2B_4F68, 0x51E2_96B7_48C3_0FAD, 0x6D04_B8F1_25A9_7C3E
"""Values by which our own globals are recognised."""
_IN_WASM = frozenset(name for name, _, _ in SLOTS)
_WORTH_FINDING = 8
"""Messages of a store after which its counters are looked for: 30 µs, which most stores would never earn back."""
_WRITING = frozenset({"stable_write", "stable64_write"})


class WasmStore:
    """One canister's code in one store."""

    def __init__(self, compiler: Compiler, module: Module, heap: LinearMemory, stable: LinearMemory) -> None:
        self._compiler = compiler
        self._module = module
        self._heap = heap
        self._stable = stable
        self._record = module.native.record.open() if module.native.record is not None else None
        self._store = wasmtime.Store(compiler.native)
        self._forward = RawInstance(self._store, compiler.forward, [])
        self._canister = self._instantiate_canister()
        counter = self._canister.export(COUNTER)
        self._counter = RawGlobal(self._store, counter, I64)
        self._rest = RawGlobal(self._store, self._canister.export(REST), I64)
        self._since = RawGlobal(self._store, self._canister.export(SINCE), I64)
        self._begun = 0
        self._last_since = 0
        self._kept = 0
        self._progress_at: int | None = None
        self._helper = self._instantiate_helper(counter)
        self._call_closure = self._helper.function("call")
        self._message: RawGlobal | None = None
        if not _WRITING.isdisjoint(module.native.traits.imports):
            self._message = RawGlobal(self._store, self._helper.export(MESSAGE), I32)
        self._messages = 1
        self._functions: dict[str, Any] = {}
        self._globals = [
            RawGlobal(self._store, self._canister.export(name), kind)
            for name, kind in module.native.traits.globals
        ]
        self._records = self._find_records()

    def _instantiate_canister(self) -> RawInstance:
        api = self._compiler.api_64 if self._module.is_64 else self._compiler.api_32
        imports = []
        for name in self._module.native.traits.imports:
            if name in _IN_WASM:
                imports.append(self._forward.export(name))
            else:
                imports.append(host_function(self._store, api[name].kind, api[name].callback))
        kept = self._heap.image.size > 0
        traced = self._record.memories if self._record is not None else ()
        self._compiler.creator.offer(self._heap, self._compiler.interrupts, *traced)
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

    def _instantiate_helper(self, counter: Any) -> RawInstance:
        native = self._module.native
        code = self._compiler.stable_module(heap_64=self._module.is_64, table_64=native.traits.table_64)
        failures = [
            host_function(self._store, item.kind, item.callback) for item in self._compiler.stable_failures
        ]
        memory, table = self._canister.export(instrument.MEMORY), self._canister.export(instrument.TABLE)
        self._compiler.creator.offer(self._stable, Buffer())
        grant, slots = self._canister.export(GRANT), self._forward.export("slots")
        return RawInstance(self._store, code, [memory, table, counter, grant, slots, *failures])

    def _find_records(self) -> tuple[int, int] | None:
        anchor = self._canister.export(instrument.ANCHOR)
        if anchor is None:
            return None
        heap = find_record(self._store, anchor.of.func, self._heap, len(self._module.native.traits.imports))
        stable = find_record(self._store, self._call_closure, self._stable, 5)
        return None if heap is None or stable is None else (heap, stable)

    def enter(
        self,
        entry: Entry,
        instructions: int,
        since: int,
        *,
        most: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Run an exported function or a closure; raises KeyError, NativeTrap, EngineError, Interrupted.

        `since` is the number of interrupts that the caller has taken into account. With `most` the code traps after so
        many of its `instructions`. `progress` lets another thread see how far the code is.
        """
        if progress is None:
            self._begin(entry, instructions, since, instructions if most is None else most, None)
            return
        self._find_counters()
        try:
            self._begin(entry, instructions, since, instructions, progress)
        finally:
            progress.end()

    def _begin(
        self, entry: Entry, instructions: int, since: int, allowed: int, progress: Progress | None
    ) -> None:
        restore_handlers()
        self._begun += 1
        if self._begun == _WORTH_FINDING:
            self._find_counters()
        granted = allowed % PORTION
        self._counter.set(granted)
        self._rest.set(allowed - granted)
        self._kept = instructions - allowed
        if since != self._last_since:
            self._since.set(since)
            self._last_since = since
        if self._message is not None:
            self._messages = self._messages % 0xFFFF_FFFF + 1
            self._message.set(self._messages)
        if self._record is not None:
            self._record.begin(allowed)
        if self._compiler.interrupts.count != since:
            raise Interrupted
        if progress is not None:
            progress.begin(self._progress_at, instructions)
        try:
            self._enter(entry)
        except NativeTrap:
            if self._compiler.interrupts.count != since and self._left() == EXHAUSTED:
                raise Interrupted from None  # perhaps both: then it ends in the same way when it runs again
            raise

    def _enter(self, entry: Entry) -> None:
        if entry.callback is not None:
            if entry.callback.function == _IGNORED:
                return
            arguments: Sequence[int] = (entry.callback.function, entry.callback.environment)
            call(self._store, self._call_closure, arguments)
            return
        name = entry.export or ""
        if name not in self._functions:
            self._functions[name] = self._canister.function(name)
        enter(self._store, self._functions[name])

    def leave(self, system: int) -> None:
        """The message of `enter` is over; it executed `system` instructions in calls of the system API."""
        if self._record is not None:
            self._record.end(self._left(), system)

    def instructions_left(self) -> int:
        """Instructions that the code of the message may still execute; negative when it executed more."""
        return self._left() + self._kept

    def _find_counters(self) -> None:
        """Find where the engine keeps the counters, so that no foreign call is needed to set and read them.

        Where that is not found they stay as they are, and `progress` shows nothing.
        """
        if self._progress_at is not None:
            return
        ours = self._counter, self._rest, self._since
        for item, sign in zip(ours, _SIGNS, strict=True):
            item.set(sign)
        self._last_since = _SIGNS[2]
        anchor, native = self._canister.export(GRANT), self._module.native
        imports = len(native.traits.imports)
        first = find_globals(self._store, anchor.of.func, _SIGNS, imports, native.traits.cells)  # type: ignore[union-attr]
        if first is None:
            return
        for place, item in enumerate(ours):
            item.reach(first + place * _GLOBAL_BYTES)
        self._progress_at = first + _GLOBAL_BYTES

    def _left(self) -> int:
        granted = self._counter.get()
        return granted - (granted >> 63 << 64) + self._rest.get()

    def read_globals(self) -> tuple[int, ...]:
        """The values of all mutable globals, as bits."""
        return tuple([item.get() for item in self._globals])

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
        seen = [call(self._store, self._helper.function(name)) for name in ("heap_size", "stable_bytes")]
        return seen == [self._heap.size, self._stable.size]

    def close(self) -> None:
        """Free the store, and keep what was recorded."""
        if self._record is not None:
            self._record.close()
        self._store.close()
