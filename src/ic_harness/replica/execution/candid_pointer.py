"""The Candid interface that a module returns from its export `get_candid_pointer`.

Rust canisters built by plain `cargo build` have no `candid:service` section: `ic_cdk::export_candid!()` compiles a
function into the module that returns the address of the interface as a NUL-terminated text. It needs no system API, so
the module runs alone: every import traps, instructions and memory are limited, and nothing of it is kept.
"""

from __future__ import annotations

from typing import Final

import wasmtime

from .module import unpack
from .validation import ModuleInvalid

EXPORT: Final = "get_candid_pointer"
_FUEL: Final = 2_000_000_000
_MAX_MEMORY: Final = 256 << 20
_MAX_TEXT: Final = 4 << 20
"""Bytes of an interface; the largest published ones have some 200 kB."""


def read_candid_pointer(wasm: bytes) -> bytes | None:
    """Run `get_candid_pointer` of a module (plain or gzip); returns the text, None without such an export.

    Raises `ModuleInvalid` for what is no Wasm, and when the function traps, runs too long, or returns no text.
    """
    config = wasmtime.Config()
    config.consume_fuel = True
    config.wasm_memory64 = True
    engine = wasmtime.Engine(config)
    try:
        module = wasmtime.Module(engine, unpack(wasm))
        if EXPORT not in {export.name for export in module.exports}:
            return None
        return _run(engine, module)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        reason = " ".join(str(error).split())
        raise ModuleInvalid(f"the interface cannot be read by {EXPORT}: {reason}") from error


def _run(engine: wasmtime.Engine, module: wasmtime.Module) -> bytes:
    store = wasmtime.Store(engine)
    store.set_fuel(_FUEL)
    store.set_limits(memory_size=_MAX_MEMORY)
    linker = wasmtime.Linker(engine)
    linker.define_unknown_imports_as_traps(module)
    exports = linker.instantiate(store, module).exports(store)
    function, memory = exports[EXPORT], exports.get("memory")
    if not isinstance(function, wasmtime.Func) or not isinstance(memory, wasmtime.Memory):
        raise ModuleInvalid(f"{EXPORT} is no function of a module that exports its memory")
    if function.type(store).params:
        raise ModuleInvalid(f"{EXPORT} takes parameters")
    address = function(store)
    if not isinstance(address, int):
        raise ModuleInvalid(f"{EXPORT} returns no address")
    start = address & 0xFFFF_FFFF  # the engine returns i32 as a signed number
    content = bytes(memory.read(store, start, min(start + _MAX_TEXT, memory.data_len(store))))
    text, end, _ = content.partition(b"\0")
    if not end:
        raise ModuleInvalid(f"{EXPORT} returns no text that ends within {_MAX_TEXT} bytes")
    return text
