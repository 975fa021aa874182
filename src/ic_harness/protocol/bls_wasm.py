"""BLS12-381 by a Wasm module of ours (`src/bls`), for Pythons that `pyblst` has no wheel for.

How it works. The module has no imports and one memory. An instance is used by one caller at a time: it is taken from
the list of free ones, or made when there is none, and returned after the call. So any number of threads may call, and
a signal handler may call in the midst of another call. An instance whose call failed is not used again, because what
its memory holds is unknown.

    buffer(length) -> address; write the arguments there; function(...) -> status; read the result from there

The engine is set up apart from the replica's. Bounds are checked by code, not by guard pages: no signal handlers are
installed, which others could replace, and an instance reserves a few MiB of addresses, not 4 GiB. The compiler runs
in the calling thread, so that no thread of it is missing in a forked process. Compiled code is kept in the user's
cache folder: compiling takes about half a second of processor time, loading about 10 ms.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from pathlib import Path
from typing import Any, Final

import wasmtime

from ic_harness.code_cache import CodeCache, default_folder
from ic_harness.compiled_modules import load_own_module, wasmtime_version

_SETTINGS_VERSION: Final = "1"
"""Changes with the engine's settings, so that code compiled with others is not used."""
_STACK: Final = 128 << 10
"""Bytes of stack that the module may use; the smallest stacks of threads (macOS) have 512 KiB."""
_IDLE: Final = 16
"""How many instances are kept for later callers; each takes about 1.2 MiB."""
_LARGEST: Final = 8 << 20
"""An instance whose memory grew beyond this many bytes, for a long message, is not kept."""
_DONE: Final = 0
_MALFORMED: Final = 1
_G1: Final = 48
_G2: Final = 96


class WasmCurve:
    """The operations of `ic_harness.protocol.bls.Curve` by the Wasm module; any number of threads may call.

    `cache_dir` is where compiled code is kept: the user's cache folder by default. The module is compiled, or loaded,
    by the first operation.
    """

    title: Final = f"a Wasm module in wasmtime {wasmtime_version()}"

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._loaded: list[tuple[wasmtime.Engine, wasmtime.Module]] = []
        self._lock = threading.Lock()
        self._free: deque[_Instance] = deque(maxlen=_IDLE)
        # Before the interpreter dismantles its modules: wasmtime's objects need theirs to be released.
        weakref.finalize(self, _release, self._free, self._loaded)

    def public_key(self, secret: int) -> bytes:
        """Return that multiple of the generator of G2."""
        return self._run("public_key", _scalar(secret), result=_G2)

    def hash_to_g1(self, message: bytes, tag: bytes) -> bytes:
        """Hash to a point of G1."""
        data = message + tag
        return self._run("hash_to_g1", data, len(data), len(tag))

    def sign(self, secret: int, message: bytes, tag: bytes) -> bytes:
        """Return that multiple of the message's point of G1."""
        data = _scalar(secret) + message + tag
        return self._run("sign", data, len(data), len(tag))

    def verify(self, key: bytes, message: bytes, tag: bytes, signature: bytes) -> bool:
        """Compare e(signature, generator) with e(hash, key). Raises `ValueError` for bytes that are no point."""
        _check_length(key, _G2)
        _check_length(signature, _G1)
        data = key + signature + message + tag
        return self._status("verify", data, len(data), len(tag))[0] == _DONE

    def sum_in_g1(self, terms: tuple[tuple[bytes, int], ...]) -> bytes:
        """Add multiples of points of G1. Raises `ValueError` for bytes that are no point."""
        for point, _ in terms:
            _check_length(point, _G1)
        data = b"".join(point + _scalar(factor) for point, factor in terms)
        return self._run("sum_in_g1", data, len(terms))

    def _run(self, name: str, data: bytes, *arguments: int, result: int = _G1) -> bytes:
        return self._status(name, data, *arguments, result=result)[1]

    def _status(self, name: str, data: bytes, *arguments: int, result: int = 0) -> tuple[int, bytes]:
        try:
            instance = self._free.pop()
        except IndexError:
            instance = _Instance(*self._compiled())
        status, answer = instance.run(name, data, arguments, result)
        if instance.size <= _LARGEST:
            self._free.append(instance)
        if status == _MALFORMED:
            raise ValueError("a point is malformed, not on the curve, or not in its subgroup")
        return status, answer

    def _compiled(self) -> tuple[wasmtime.Engine, wasmtime.Module]:
        with self._lock:
            if not self._loaded:
                engine = wasmtime.Engine(_config())
                cache = CodeCache(self._cache_dir or default_folder())
                self._loaded.append(
                    (engine, load_own_module(engine, "bls", cache, settings=_SETTINGS_VERSION))
                )
            return self._loaded[0]


class _Instance:
    """One instance of the module, for one caller at a time."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._memory: Any = self._exports["memory"]

    @property
    def size(self) -> int:
        """The bytes of memory that it takes."""
        return int(self._memory.data_len(self._store))

    def run(self, name: str, data: bytes, arguments: tuple[int, ...], length: int) -> tuple[int, bytes]:
        """Call a function with `data` in the buffer; return its status and `length` bytes of the buffer."""
        address = self._call("buffer", len(data))
        self._memory.write(self._store, data, address)
        status = self._call(name, *arguments)
        return status, bytes(self._memory.read(self._store, address, address + length)) if length else b""

    def _call(self, name: str, *arguments: int) -> int:
        function: Any = self._exports[name]
        return int(function(self._store, *arguments))


def _release(*contents: deque[_Instance] | list[tuple[wasmtime.Engine, wasmtime.Module]]) -> None:
    for content in contents:
        content.clear()


def _config() -> wasmtime.Config:
    config = wasmtime.Config()
    config.wasm_wide_arithmetic = True
    config.parallel_compilation = False
    config.signals_based_traps = False
    config.memory_reservation = 0
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = 1 << 20
    config.max_wasm_stack = _STACK
    return config


def _scalar(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _check_length(point: bytes, length: int) -> None:
    if len(point) != length:
        raise ValueError(f"a compressed point of this group has {length} bytes, got {len(point)}")
