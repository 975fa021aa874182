"""Linear memories of ours inside the engine: it asks here for them, and here it is told when one has shrunk.

Plumbing over Wasmtime's host memory creator, which its Python package does not wrap.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Final, Protocol

import wasmtime
from wasmtime import _ffi as ffi


class HostMemory(Protocol):
    """What the engine must know of a memory that we own."""

    base: int
    size: int
    hard_limit: int
    soft_limit: int
    refused: int

    @property
    def capacity(self) -> int:
        """Bytes that it can grow to without moving."""

    def grow(self, size: int) -> bool:
        """Make the memory `size` bytes long; False when the system has no room."""


class Buffer:
    """A memory of the engine's own use: zeros at first, empty, gone with the instance.

    Growing moves it. So code must have 64-bit indices for it, and no declared maximum: then the engine asks for its
    base anew.
    """

    def __init__(self) -> None:
        self._content = ctypes.create_string_buffer(1)
        self.base = ctypes.addressof(self._content)
        self.size = self.capacity = 0
        self.hard_limit = 1 << 40
        self.soft_limit = self.refused = 0

    def grow(self, size: int) -> bool:
        """Make the memory `size` bytes long; False when the system has no room."""
        if size > self.capacity:
            capacity = max(size, 2 * self.capacity)
            try:
                content = ctypes.create_string_buffer(capacity)
            except MemoryError:
                return False
            ctypes.memmove(content, self._content, self.size)
            self._content = content
            self.base, self.capacity = ctypes.addressof(content), capacity
        self.size = size
        return True


def _try_grow(memory: HostMemory, size: int) -> bool:
    """Grow a memory to `size` bytes unless one of its limits forbids it; returns whether it was done."""
    if size > memory.hard_limit:
        return False
    if memory.soft_limit and size > memory.soft_limit:
        memory.refused = max(memory.refused, size)
        return False
    return memory.grow(size)


_NOTHING: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
"""What an engine calls when it is deleted, which may be after everything that it was made of is gone."""


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

    def install(self, config: wasmtime.Config) -> None:
        """Let an engine of this configuration ask here."""
        creator: Any = ffi.wasmtime_memory_creator_t()
        creator.env = None
        creator.new_memory = self._new
        creator.finalizer = _NOTHING
        ffi.wasmtime_config_host_memory_creator_set(config.ptr(), ctypes.byref(creator))
        ffi.wasmtime_config_memory_init_cow_set(config.ptr(), False)  # needs mappings of the engine's own

    def offer(self, *memories: HostMemory) -> None:
        """Make these the next memories that an instance of this thread gets, in their order."""
        self._waiting.memories = list(memories)

    def _new_memory(
        self, _env: Any, _type: Any, minimum: int, _maximum: int, _reserved: int, _guard: int, out: Any
    ) -> int:
        waiting: list[HostMemory] = getattr(self._waiting, "memories", [])
        memory = waiting.pop(0) if waiting else None
        if memory is None or (memory.size < minimum and not _try_grow(memory, minimum)):
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
        if _try_grow(self._memories[key], size):
            return 0
        return _error("memory limit")

    def _forget(self, key: int) -> None:
        self._memories.pop(key, None)


def _error(text: str) -> int:
    raw = text.encode()
    return ctypes.cast(ffi.wasmtime_error_new(ctypes.create_string_buffer(raw)), ctypes.c_void_p).value or 0


_VMCTX_IN_FUNCREF = 24
_VMCTX_MAGIC = b"core"
_HEADER_ROOM = 512
_PER_IMPORT = 40
_GLOBAL = 16
_CELL = 8


def find_record(store: wasmtime.Store, anchor: Any, memory: HostMemory, imports: int) -> int | None:
    """Address of the engine's own record (base, length) of a memory; None if it is not where we know it.

    Wasm memories cannot shrink, and so the engine has no call for it; a rollback must shrink one that the
    message grew. The record (base, length) is in the instance's context, which any function of the
    instance leads to. It is recognised by its content, and who uses it checks by `memory.size` that it took
    effect; where it is not found the instance is made anew.
    """
    context = _context(store, anchor)
    if context is None:
        return None
    count = (_HEADER_ROOM + _PER_IMPORT * imports) // _CELL
    return _find(context, count, (memory.base, memory.size), 1)


def find_globals(
    store: wasmtime.Store, anchor: Any, values: tuple[int, ...], imports: int, cells: int
) -> int | None:
    """Address of the first of some globals that follow each other and have these values; None as in `find_record`.

    `cells` is how many globals and tables the module has besides.
    """
    context = _context(store, anchor)
    if context is None:
        return None
    count = (_HEADER_ROOM + _PER_IMPORT * imports + _GLOBAL * cells) // _CELL
    return _find(context, count, values, _GLOBAL // _CELL)


def _find(context: int, count: int, values: tuple[int, ...], step: int) -> int | None:
    """Address of the first of some values, each `step` cells after the one before, in the first `count` cells."""
    cells = (ctypes.c_uint64 * (count + step * len(values))).from_address(
        context
    )  # a cell is read when asked for
    first, *others = values
    for place in range(1, count):
        if cells[place] == first and all(
            cells[place + step * number] == value for number, value in enumerate(others, 1)
        ):
            return context + _CELL * place
    return None


def _context(store: wasmtime.Store, anchor: Any) -> int | None:
    """Address of the engine's context of the instance that a function belongs to."""
    raw = ffi.wasmtime_func_to_raw(store._context(), ctypes.byref(anchor))  # noqa: SLF001
    reference = ctypes.cast(raw, ctypes.c_void_p).value
    if not reference:
        return None
    context: int = ctypes.c_uint64.from_address(reference + _VMCTX_IN_FUNCREF).value
    if not context or context % 8 or ctypes.string_at(context, 4) != _VMCTX_MAGIC:
        return None
    return context


def write_record(address: int, memory: HostMemory) -> bool:
    """Tell the engine where a memory is and how long, where `find_record` found it; False = it knew."""
    cells = (ctypes.c_uint64 * 2).from_address(address)
    if (cells[0], cells[1]) == (memory.base, memory.size):
        return False
    cells[0], cells[1] = memory.base, memory.size
    return True
