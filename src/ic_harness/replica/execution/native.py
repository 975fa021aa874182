"""The part of Wasmtime's C interface that its Python package does not wrap, or wraps too slowly for us.

Raw host functions (0.8 µs a call instead of 2.4), raw calls, memories in mappings of our own, and errors
with their backtraces. Everything here is plumbing: it knows Wasm, not the Internet Computer.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import wasmtime
from wasmtime import _ffi as ffi

HOST_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
)
"""(environment, caller, address of the 16-byte cells of arguments and results, their number) -> trap or 0."""
CELL = 16
HELPER_MODULE = "ic-harness"
"""Name of modules of ours; their functions do not show in backtraces."""
_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_NO_FINALIZER = _FINALIZER()
_UNREACHABLE = wasmtime.TrapCode.UNREACHABLE.value
_KINDS = {
    0x7F: wasmtime.ValType.i32, 0x7E: wasmtime.ValType.i64,
    0x7D: wasmtime.ValType.f32, 0x7C: wasmtime.ValType.f64,
}  # fmt: skip


class EngineError(Exception):
    """Wasmtime refused something; the text is its own."""


@dataclass(frozen=True, slots=True)
class NativeTrap(Exception):  # noqa: N818  a trap is what the specification calls it
    """Wasm code stopped: the engine's `code`, if it gave one, and (function index, name) innermost first."""

    code: wasmtime.TrapCode | None
    message: str
    frames: tuple[tuple[int, str | None], ...]


class HostMemory(Protocol):
    """What the engine must know of a memory that we own."""

    base: int
    size: int

    @property
    def capacity(self) -> int:
        """Bytes that it can grow to without moving."""

    def try_grow(self, size: int) -> bool:
        """Grow to `size` bytes, or say no."""


def text_of(error: Any) -> str:
    """Take over an error pointer and return its text."""
    return str(wasmtime.WasmtimeError._from_ptr(error))  # noqa: SLF001


def check(error: Any) -> None:
    """Raise EngineError if `error` is set."""
    if error:
        raise EngineError(text_of(error))


def host_trap() -> int:
    """A fresh trap for a host function to return; what happened is told elsewhere."""
    return ctypes.cast(ffi.wasmtime_trap_new_code(_UNREACHABLE), ctypes.c_void_p).value or 0


# --- memories


class MemoryCreator:
    """Gives the engine our memories.

    `offered` holds, per thread, the memories for the instances being made.
    """

    def __init__(self) -> None:
        self._waiting = threading.local()
        self._memories: dict[int, HostMemory] = {}
        self._next = 1
        self._lock = threading.Lock()
        self._get = ffi.wasmtime_memory_get_callback_t(self._get_memory)
        self._grow = ffi.wasmtime_memory_grow_callback_t(self._grow_memory)
        self._finish = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._forget)
        self._new = ffi.wasmtime_new_memory_callback_t(self._new_memory)
        self._nothing = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)

    def install(self, config: wasmtime.Config) -> None:
        """Let an engine of this configuration ask here."""
        creator: Any = ffi.wasmtime_memory_creator_t()
        creator.env = None
        creator.new_memory = self._new
        creator.finalizer = self._nothing
        ffi.wasmtime_config_host_memory_creator_set(config.ptr(), ctypes.byref(creator))
        ffi.wasmtime_config_memory_init_cow_set(config.ptr(), False)  # needs mappings of the engine's own

    def offer(self, memory: HostMemory) -> None:
        """The next memory that this thread makes is this one."""
        self._waiting.memory = memory

    def _new_memory(
        self, _env: Any, _type: Any, minimum: int, _maximum: int, _reserved: int, _guard: int, out: Any
    ) -> int:
        memory: HostMemory | None = getattr(self._waiting, "memory", None)
        self._waiting.memory = None
        if memory is None or (memory.size < minimum and not memory.try_grow(minimum)):
            return _error("the initial memory is larger than the canister may have")
        with self._lock:
            key, self._next = self._next, self._next + 1
            self._memories[key] = memory
        out[0].env = key
        out[0].get_memory = self._get
        out[0].grow_memory = self._grow
        out[0].finalizer = self._finish
        return 0

    def _get_memory(self, key: int, size: Any, capacity: Any) -> int:
        memory = self._memories[key]
        size[0] = memory.size
        capacity[0] = memory.capacity
        return memory.base

    def _grow_memory(self, key: int, size: int) -> int:
        if self._memories[key].try_grow(size):
            return 0
        return _error("memory limit")

    def _forget(self, key: int) -> None:
        self._memories.pop(key, None)


def _error(text: str) -> int:
    raw = text.encode()
    return ctypes.cast(ffi.wasmtime_error_new(ctypes.create_string_buffer(raw)), ctypes.c_void_p).value or 0


# --- stores, functions, instances


def function_type(params: Sequence[int], results: Sequence[int]) -> wasmtime.FuncType:
    """A function type from value types of the binary format."""
    return wasmtime.FuncType([_KINDS[kind]() for kind in params], [_KINDS[kind]() for kind in results])


def host_function(store: wasmtime.Store, kind: wasmtime.FuncType, callback: Any) -> Any:
    """A host function of a store; the caller keeps `callback` (a HOST_CALLBACK) alive."""
    function = ffi.wasmtime_func_t()
    ffi.wasmtime_func_new_unchecked(
        store._context(), kind.ptr(), ctypes.cast(callback, ffi.wasmtime_func_unchecked_callback_t),  # noqa: SLF001
        None, _NO_FINALIZER, ctypes.byref(function),
    )  # fmt: skip
    extern = ffi.wasmtime_extern_t()
    extern.kind = ffi.WASMTIME_EXTERN_FUNC
    extern.of.func = function
    return extern


class RawInstance:
    """An instance of a module in a store, reached by export name."""

    def __init__(self, store: wasmtime.Store, module: wasmtime.Module, imports: Sequence[Any]) -> None:
        self.store = store
        self._context = store._context()  # noqa: SLF001
        self._instance = ffi.wasmtime_instance_t()
        externs = (ffi.wasmtime_extern_t * len(imports))(*imports)
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_instance_new(
            self._context,
            module.ptr(),
            externs,
            len(imports),
            ctypes.byref(self._instance),
            ctypes.byref(trap),
        )
        raise_failure(error, trap)

    def export(self, name: str) -> Any | None:
        """The export called `name` (a wasmtime_extern_t), or None."""
        raw = name.encode()
        item = ffi.wasmtime_extern_t()
        found = ffi.wasmtime_instance_export_get(
            self._context, ctypes.byref(self._instance), ctypes.create_string_buffer(raw),
            len(raw), ctypes.byref(item),
        )  # fmt: skip
        return item if found else None

    def function(self, name: str) -> Any:
        """The exported function called `name` (a wasmtime_func_t); raises KeyError."""
        item = self.export(name)
        if item is None or item.kind != ffi.WASMTIME_EXTERN_FUNC.value:
            raise KeyError(name)
        return item.of.func


def call(store: wasmtime.Store, function: Any, arguments: Sequence[int] = ()) -> int:
    """Call a function with integer arguments; returns the first result cell.

    Raises NativeTrap, EngineError.
    """
    cells = (ctypes.c_uint64 * (2 * max(1, len(arguments))))()
    for index, argument in enumerate(arguments):
        cells[2 * index] = argument & 0xFFFF_FFFF_FFFF_FFFF
    trap: Any = ctypes.POINTER(ffi.wasm_trap_t)()
    error: Any = ffi.wasmtime_func_call_unchecked(
        store._context(), ctypes.byref(function),  # noqa: SLF001
        ctypes.cast(cells, ctypes.POINTER(ffi.wasmtime_val_raw_t)), len(cells) // 2, ctypes.byref(trap),
    )  # fmt: skip
    if error or trap:
        raise_failure(error, trap)
    return int(cells[0])


def raise_failure(error: Any, trap: Any) -> None:
    """Turn what a call left behind into NativeTrap or EngineError; nothing if it left nothing."""
    if error:
        raise EngineError(text_of(error))
    if trap:
        owned = wasmtime.Trap._from_ptr(trap)  # noqa: SLF001
        frames = tuple(
            (frame.func_index, frame.func_name)
            for frame in owned.frames
            if frame.module_name != HELPER_MODULE
        )
        raise NativeTrap(owned.trap_code, owned.message, frames)


def set_fuel(store: wasmtime.Store, fuel: int) -> None:
    """Give a store this much fuel."""
    check(ffi.wasmtime_context_set_fuel(store._context(), fuel))  # noqa: SLF001


def get_fuel(store: wasmtime.Store) -> int:
    """The fuel that a store has left; also true inside a host function."""
    left = ctypes.c_uint64()
    check(ffi.wasmtime_context_get_fuel(store._context(), ctypes.byref(left)))  # noqa: SLF001
    return left.value


class RawGlobal:
    """A global variable as the bits of its value."""

    def __init__(self, store: wasmtime.Store, extern: Any, kind: int) -> None:
        self._context = store._context()  # noqa: SLF001
        self._global = extern.of.global_
        self._value: Any = ffi.wasmtime_val_t()
        self._bits = (ctypes.c_uint8 * 16).from_address(
            ctypes.addressof(self._value) + ffi.wasmtime_val_t.of.offset
        )
        self._kind = 0x7F - kind
        self._width = {0x7F: 4, 0x7E: 8, 0x7D: 4, 0x7C: 8, 0x7B: 16}[kind]

    def get(self) -> int:
        """The value's bits as an unsigned number."""
        ffi.wasmtime_global_get(self._context, ctypes.byref(self._global), ctypes.byref(self._value))
        return int.from_bytes(bytes(self._bits)[: self._width], "little")

    def set(self, bits: int) -> None:
        """Set the value by its bits."""
        self._value.kind = self._kind
        raw = bits.to_bytes(16, "little")
        ctypes.memmove(self._bits, raw, 16)
        check(ffi.wasmtime_global_set(self._context, ctypes.byref(self._global), ctypes.byref(self._value)))


# --- shrinking

_VMCTX_IN_FUNCREF = 24
_VMCTX_MAGIC = b"core"
_HEADER_ROOM = 512
_PER_IMPORT = 40


def find_record(store: wasmtime.Store, anchor: Any, memory: HostMemory, imports: int) -> int | None:
    """Address of the engine's own record (base, length) of a memory; None if it is not where we know it.

    Wasm memories cannot shrink, and so the engine has no call for it; a rollback must shrink one that the
    message grew. The record (base, length) stands in the instance's context, which any function of the
    instance leads to. It is recognised by its content, and who uses it checks by `memory.size` that it took
    effect; where it is not found the instance is made anew.
    """
    raw = ffi.wasmtime_func_to_raw(store._context(), ctypes.byref(anchor))  # noqa: SLF001
    reference = ctypes.cast(raw, ctypes.c_void_p).value
    if not reference:
        return None
    context = ctypes.c_uint64.from_address(reference + _VMCTX_IN_FUNCREF).value
    if not context or context % 8 or ctypes.string_at(context, 4) != _VMCTX_MAGIC:
        return None
    wanted = (memory.base, memory.size)
    for offset in range(8, _HEADER_ROOM + _PER_IMPORT * imports, 8):
        cells = (ctypes.c_uint64 * 2).from_address(context + offset)
        if (cells[0], cells[1]) == wanted:
            return context + offset
    return None


def write_record(address: int, memory: HostMemory) -> bool:
    """Tell the engine where a memory is and how long, where `find_record` found it; False = it knew."""
    cells = (ctypes.c_uint64 * 2).from_address(address)
    if (cells[0], cells[1]) == (memory.base, memory.size):
        return False
    cells[0], cells[1] = memory.base, memory.size
    return True
