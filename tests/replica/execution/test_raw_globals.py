"""Global variables of the engine as bits."""

from __future__ import annotations

import pytest
import wasmtime

from ic_harness.replica.execution.native import RawGlobal, RawInstance

MODULE = """(module
  (global (export "i32") (mut i32) (i32.const 0)) (global (export "i64") (mut i64) (i64.const 0))
  (global (export "f32") (mut f32) (f32.const 0)) (global (export "f64") (mut f64) (f64.const 0))
  (global (export "v128") (mut v128) (v128.const i64x2 0 0)))"""


@pytest.mark.parametrize(
    ("name", "kind", "width"),
    [("i32", 0x7F, 32), ("i64", 0x7E, 64), ("f32", 0x7D, 32), ("f64", 0x7C, 64), ("v128", 0x7B, 128)],
)
def test_all_bits_are_kept(name, kind, width):
    """Each type keeps its bits, those of signalling NaNs and of all lanes too, read by this object or another."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    export = RawInstance(store, wasmtime.Module(engine, MODULE), []).export(name)
    written, other = (RawGlobal(store, export, kind) for _ in range(2))
    signalling, lanes = 0x7FA00001 << width - 32, int.from_bytes(bytes(range(1, width // 8 + 1)), "little")
    for bits in ((1 << width) - 1, signalling, lanes, 1, 0):
        written.set(bits)
        assert written.get() == other.get() == bits
