"""Wasmtime, set up as the network sets it up: compiles modules.

One serves any number of canisters and threads.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.compiled_modules import engine_version, load_compiled, load_or_compile

from . import module
from . import stable_memory_modules as glue
from .description import Descriptions
from .host import HostFunction, stable_failures, system_api
from .host_memory import MemoryCreator
from .interrupts import Interrupts
from .memory import GUARD, RESERVATION, Strategy
from .memory_copy import COPIED
from .memory_mmap import MAPPED
from .message_limit import MessageLimit
from .metering import Rewriter, rewriter_digest
from .module import Module
from .native import follow_branch_hints, limit_stack, remember_handlers
from .observation import Observer
from .pages import supported
from .recent_traps import RecentTraps
from .recorder import ModuleRecord, active
from .tracing import TracingError, compile_traced
from .validation import ModuleInvalid

MadeT = TypeVar("MadeT", bound=wasmtime.Module | None)

_WASM_STACK = 5 << 20
"""Bytes of stack that a canister may use, as in DFINITY's replica; `threads.STACK_BYTES` leaves room for it."""
_CODE_VERSION = "5"
"""Changes when instrumentation or engine settings change, so that older compiled code is not used."""


class Compiler:
    """Compiles, and holds what all instances share. `cache_dir` None compiles anew in each process.

    `limit_names` is whether the number and the names of a module's methods are limited.
    """

    def __init__(
        self, cache_dir: Path | None = None, *, strategy: Strategy | None = None, limit_names: bool = True
    ) -> None:
        self._limit_names = limit_names
        self.strategy = strategy or (MAPPED if supported() else COPIED)
        self.creator = MemoryCreator()
        self.native = wasmtime.Engine(self._config())
        remember_handlers()
        self.interrupts = Interrupts()
        self.message_limit = MessageLimit()
        self.observers: list[Observer] = []
        self.traps = RecentTraps()
        self._cache = CodeCache(cache_dir)
        self._descriptions = Descriptions(self._cache, limit_names=limit_names)
        self._rewriter = Rewriter(self._cache)
        self._recorder = active()
        self._modules: WeakValueDictionary[str, wasmtime.Module] = WeakValueDictionary()
        self._canisters: WeakValueDictionary[bytes, Module] = WeakValueDictionary()
        self._helpers: dict[tuple[bool, bool], wasmtime.Module] = {}
        self._lock = threading.Lock()

    def _config(self) -> wasmtime.Config:
        config = wasmtime.Config()
        follow_branch_hints(config)
        config.cranelift_nan_canonicalization = True
        config.wasm_threads = False
        config.wasm_relaxed_simd = False
        config.wasm_exceptions = False
        config.wasm_function_references = False
        config.wasm_gc = False
        config.wasm_tail_call = True
        config.wasm_memory64 = True
        config.wasm_multi_memory = (
            True  # for glue.py; canisters with two memories are refused by validation.py
        )
        limit_stack(config, _WASM_STACK)
        config.memory_reservation = RESERVATION if self.strategy.guarded else 0
        config.memory_guard_size = GUARD if self.strategy.guarded else 0
        self.creator.install(config)
        return config

    @cached_property
    def api_32(self) -> dict[str, HostFunction]:
        """The system API for 32-bit canisters."""
        return system_api(is_64=False)

    @cached_property
    def api_64(self) -> dict[str, HostFunction]:
        """The system API for 64-bit canisters."""
        return system_api(is_64=True)

    @cached_property
    def stable_failures(self) -> list[HostFunction]:
        """What the stable memory's module imports."""
        return stable_failures()

    @cached_property
    def forward(self) -> wasmtime.Module:
        """The module that forwards stable memory calls."""
        return self._compiled(bytes(wasmtime.wat2wasm(glue.FORWARD)))

    def stable_module(self, *, heap_64: bool, table_64: bool) -> wasmtime.Module:
        """The module that owns stable memory, for canisters with these index types."""
        key = (heap_64, table_64)
        if key not in self._helpers:
            text = glue.stable_module(heap_64=heap_64, table_64=table_64)
            self._helpers[key] = self._compiled(bytes(wasmtime.wat2wasm(text)))
        return self._helpers[key]

    def compile(self, wasm: bytes) -> Module:
        """Validate and compile a canister's module (gzip accepted); raises ModuleInvalid."""
        digest = hashlib.sha256(wasm).digest()
        with self._lock:
            known = self._canisters.get(digest)
        if known is None:
            known = self._described(wasm, digest) if self._recorder is None else None
            known = known or self._made(wasm, digest)
            with self._lock:
                self._canisters[digest] = known
        return known

    def _described(self, wasm: bytes, digest: bytes) -> Module | None:
        """Return a module whose description and code are at hand; None when one is missing."""
        found = self._descriptions.load(digest)
        if found is None:
            return None
        key = self._key(found.code_hash, metered=True)
        code = self._remembered(key, lambda: load_compiled(self.native, key, self._cache))
        return None if code is None else module.finish(wasm, found, code)

    def _made(self, wasm: bytes, digest: bytes) -> Module:
        """Validate and compile a module, and keep its description. Raises `ModuleInvalid`."""
        draft = module.draft(wasm, limit_names=self._limit_names)
        record = self._traced(digest, draft) if self._recorder is not None else None
        code = record[0] if record is not None else self._compiled(draft.instrumented.wasm, metered=True)
        found = draft.describe()
        self._descriptions.store(digest, found)
        return module.finish(wasm, found, code, record[1] if record is not None else None)

    def _traced(self, digest: bytes, draft: module.Draft) -> tuple[wasmtime.Module, ModuleRecord] | None:
        """Compile a module that records what executes; None, with the reason in the recorder, where that fails."""
        assert self._recorder is not None, "bug: nothing is recorded"
        own = draft.instrumented.wasm
        key = self._key(hashlib.sha256(own).digest(), metered=True)
        try:
            wasmtime.Module.validate(self.native, own)
            code, places = compile_traced(
                self.native, own, self._rewriter.meter_with_insertions, self._recorder.what, key, self._cache
            )
            return code, self._recorder.record(digest, draft.wasm, places)
        except (wasmtime.WasmtimeError, ModuleInvalid):
            return None  # compiling it without tracing says what is wrong
        except TracingError as error:
            self._recorder.fail(digest, str(error))
            return None

    def _compiled(self, wasm: bytes, *, metered: bool = False) -> wasmtime.Module:
        key = self._key(hashlib.sha256(wasm).digest(), metered=metered)
        return self._remembered(key, lambda: self._load(key, wasm, metered=metered))

    def _remembered(self, key: str, make: Callable[[], MadeT]) -> wasmtime.Module | MadeT:
        """Return the compiled module with this key, or else what `make` returns, which is remembered."""
        with self._lock:
            known = self._modules.get(key)
        if known is not None:
            return known
        made = make()
        if made is not None:
            with self._lock:
                self._modules[key] = made
        return made

    def _key(self, digest: bytes, *, metered: bool) -> str:
        metering = f"-{rewriter_digest()}" if metered else ""
        return f"{digest.hex()}-{engine_version()}-{_CODE_VERSION}-{self.strategy.name}{metering}"

    def _load(self, key: str, wasm: bytes, *, metered: bool) -> wasmtime.Module:
        return load_or_compile(
            self.native, key, self._cache, lambda: self._compile_anew(wasm, metered=metered)
        )

    def _compile_anew(self, wasm: bytes, *, metered: bool) -> wasmtime.Module:
        try:
            if metered:
                # Before it is rewritten: a module that names the counter by its index would be valid afterwards.
                wasmtime.Module.validate(self.native, wasm)
                wasm = self._rewriter.meter(wasm)
            return wasmtime.Module(self.native, wasm)
        except wasmtime.WasmtimeError as error:
            raise ModuleInvalid(f"Wasmtime failed to validate wasm module {error}") from None
