"""The part of Wasmtime's C interface that its Python package does not wrap, or wraps too slowly for us.

Raw host functions (0.8 µs a call instead of 2.4), raw calls, errors with their backtraces, and the signal handlers
that turn faults into traps. Everything here is plumbing: it knows Wasm, not the Internet Computer.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import wasmtime
from wasmtime import _ffi as ffi

from ic_harness.lazy_dataclass import dataclass

HOST_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
)
"""(environment, caller, address of the 16-byte cells of arguments and results, their number) -> trap or 0."""
CELL = 16
HELPER_MODULE = "ic-harness"
"""Name of modules of ours; their functions do not show in backtraces."""
_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_NO_FINALIZER = _FINALIZER()
_KINDS = {
    0x7F: wasmtime.ValType.i32, 0x7E: wasmtime.ValType.i64,
    0x7D: wasmtime.ValType.f32, 0x7C: wasmtime.ValType.f64,
}  # fmt: skip


class EngineError(Exception):
    """Wasmtime refused something; the text is its own."""


@dataclass(frozen=True, slots=True)
class NativeTrap(Exception):  # noqa: N818  a trap is what the specification calls it
    """Wasm code stopped: the engine's `code`, if it gave one, and its frames, innermost first.

    A frame is the index of a function, its name, and the offset of the instruction in the module that runs.
    """

    code: wasmtime.TrapCode | None
    message: str
    frames: tuple[tuple[int, str | None, int], ...]


def limit_stack(config: wasmtime.Config, size: int) -> None:
    """Bound the stack of Wasm code to `size` bytes.

    Wasmtime wants its stacks for asynchronous calls, which nothing here makes, to be larger than that.
    """
    config.max_wasm_stack = size
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), 2 * size)


def follow_branch_hints(config: wasmtime.Config) -> None:
    """Keep code that a module says is hardly ever executed out of the way of the rest."""
    ffi.wasmtime_config_wasm_branch_hinting_set(config.ptr(), True)


def text_of(error: Any) -> str:
    """Take over an error pointer and return its text."""
    return str(wasmtime.WasmtimeError._from_ptr(error))  # noqa: SLF001


def check(error: Any) -> None:
    """Raise EngineError if `error` is set."""
    if error:
        raise EngineError(text_of(error))


def _short_call(name: str) -> Any:
    """A function of the engine that returns at once: called without letting other Python threads in.

    Each release of the interpreter lock invites another thread to take it; with several canisters at work that
    costs far more than these calls do.
    """
    function = ctypes.PyDLL(str(ffi.filename))[name]
    released = getattr(ffi.dll, name)
    function.restype, function.argtypes = released.restype, released.argtypes
    return function


_trap_new_code = ctypes.PyDLL(str(ffi.filename))["wasmtime_trap_new_code"]
_trap_new_code.restype, _trap_new_code.argtypes = ctypes.c_size_t, [ctypes.c_uint8]
host_trap: Callable[[], int] = partial(_trap_new_code, wasmtime.TrapCode.UNREACHABLE.value)
"""Makes a trap for a host function to return, by one foreign call: no Python that could raise stands between the
failure and the engine, which would go on if a callback raised. Why it trapped is kept in the frame."""
_TrapPointer: Final[Any] = ctypes.POINTER(ffi.wasm_trap_t)
_CALL: Final[Any] = ffi.dll.wasmtime_func_call_unchecked
"""The function itself: one Python call less than the package's."""
_EXPORT: Final[Any] = ffi.dll.wasmtime_instance_export_get
_NO_CELLS: Final[Any] = (ffi.wasmtime_val_raw_t * 1)()
"""For calls of functions without parameters and results, which leave it as it is."""
_global_get = _short_call("wasmtime_global_get")
_global_set = _short_call("wasmtime_global_set")


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


@lru_cache(maxsize=1024)
def _text(name: str) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Return a name as the engine wants it: of our own exports, which each instance is asked for."""
    raw = name.encode()
    return ctypes.create_string_buffer(raw), len(raw)


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
        text, size = _text(name)
        item = ffi.wasmtime_extern_t()
        found = _EXPORT(self._context, ctypes.byref(self._instance), text, size, ctypes.byref(item))
        return item if found else None

    def function(self, name: str) -> Any:
        """The exported function called `name` (a wasmtime_func_t); raises KeyError."""
        item = self.export(name)
        if item is None or item.kind != ffi.WASMTIME_EXTERN_FUNC.value:
            raise KeyError(name)
        return item.of.func


def enter(store: wasmtime.Store, function: Any) -> None:
    """Call a function that has neither parameters nor results. Raises NativeTrap, EngineError."""
    trap = _TrapPointer()
    error = _CALL(store._context(), ctypes.byref(function), _NO_CELLS, 0, ctypes.byref(trap))  # noqa: SLF001
    if error or trap:
        raise_failure(error, trap)


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
        raise NativeTrap(*_facts(trap))


def _facts(trap: Any) -> tuple[wasmtime.TrapCode | None, str, tuple[tuple[int, str | None, int], ...]]:
    """Take over a trap pointer and read it.

    The engine's objects end here, on this thread. Held by a traceback they would be left to the garbage collector,
    which may run on the main thread, and a KeyboardInterrupt that is raised in a `__del__` is lost.
    """
    owned = wasmtime.Trap._from_ptr(trap)  # noqa: SLF001
    frames = tuple(
        (frame.func_index, frame.func_name, frame.module_offset)
        for frame in owned.frames
        if frame.module_name != HELPER_MODULE
    )
    return owned.trap_code, owned.message, frames


_NARROW: Final = (0x7F, 0x7D)
"""The types of 32 bits."""
_V128: Final = 0x7B


class RawGlobal:
    """A global variable as the bits of its value."""

    def __init__(self, store: wasmtime.Store, extern: Any, kind: int) -> None:
        self._global = extern.of.global_
        self._value: Any = ffi.wasmtime_val_t(kind=0x7F - kind)
        # Made once: the counters of instructions are set and read at every message.
        self._where = store._context(), ctypes.byref(self._global), ctypes.byref(self._value)  # noqa: SLF001
        address = ctypes.addressof(self._value) + ffi.wasmtime_val_t.of.offset
        low = ctypes.c_uint32 if kind in _NARROW else ctypes.c_uint64
        self._low: Any = low.from_address(address)
        self._high: Any = ctypes.c_uint64.from_address(address + 8) if kind == _V128 else None
        self._within_reach = False

    def reach(self, address: int) -> None:
        """Read and write the value of 64 bits at this address from now on, which is where the engine has it."""
        self._low, self._within_reach = ctypes.c_uint64.from_address(address), True

    def get(self) -> int:
        """The value's bits as an unsigned number."""
        if self._within_reach:
            return int(self._low.value)
        _global_get(*self._where)
        low: int = self._low.value
        return low if self._high is None else low | self._high.value << 64

    def set(self, bits: int) -> None:
        """Set the value by its bits."""
        self._low.value = bits
        if self._within_reach:
            return
        if self._high is not None:
            self._high.value = bits >> 64
        error = _global_set(*self._where)
        if error:
            check(error)


_RECORD_BYTES: Final = 256
"""More than a `struct sigaction` has on any Linux; the handler's address is its first field."""

_SIGSEGV: Final = int(signal.SIGSEGV)
_HANDLED: Final = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")


class _Handlers:
    """The engine's signal handlers, by signal; empty where there is nothing to keep.

    Wasm traps arrive as SIGSEGV, SIGILL, SIGFPE and SIGBUS, which the engine handles; it installs its handlers once a
    process. A library that installs its own later, such as `faulthandler.enable()` or the end of another pytest in
    this process, would turn the next trap into the end of the process. So the handlers are remembered when the first
    engine exists, and put back before a message runs where they were replaced. Linux only: the engine uses other
    means on macOS and Windows.
    """

    def __init__(self) -> None:
        self.sigaction: Any = None
        self.records: dict[int, Any] = {}
        self.current: Any = None
        self.ask: Callable[[], int] | None = None
        self.address: Any = None
        self.seen: Any = None

    def remember(self) -> None:
        """Read the handlers that are installed now, unless that was done before."""
        if self.records or sys.platform != "linux":
            return
        # Without giving up the interpreter lock: the call is short, and handing the lock over costs more.
        self.sigaction = ctypes.PyDLL(None)["sigaction"]
        self.records = {int(getattr(signal, name)): _read_handler(self.sigaction, name) for name in _HANDLED}
        self.current = ctypes.create_string_buffer(_RECORD_BYTES)
        self.ask = partial(self.sigaction, ctypes.c_int(_SIGSEGV), None, ctypes.byref(self.current))
        self.address = ctypes.c_size_t.from_buffer(self.current)
        self.seen = _handler_address(self.records[int(signal.SIGSEGV)])


def _read_handler(sigaction: Any, name: str) -> Any:
    record = ctypes.create_string_buffer(_RECORD_BYTES)
    sigaction(int(getattr(signal, name)), None, record)
    return record


def _handler_address(record: Any) -> int:
    return ctypes.c_size_t.from_buffer(record).value


_HANDLERS: Final = _Handlers()


def remember_handlers() -> None:
    """Remember the handlers that the engine has just installed; only the first call has an effect."""
    _HANDLERS.remember()


def restore_handlers() -> None:
    """Put the engine's handlers back if SIGSEGV has another one now; those who replace one replace all."""
    if _HANDLERS.ask is None:
        return
    _HANDLERS.ask()
    if _HANDLERS.address.value == _HANDLERS.seen:
        return
    for number, record in _HANDLERS.records.items():
        _HANDLERS.sigaction(number, record, None)
