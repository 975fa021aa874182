"""The interface that a module returns from `get_candid_pointer`, read without a canister."""

from __future__ import annotations

import gzip

import pytest
import wasmtime

from ic_harness.replica import ModuleInvalid, read_candid_pointer

TEXT = "service : { get : () -> (nat32) query }"
FULL = '(memory (export "memory") 1) (data (i32.const 65535) "x")'


def module(body="(i32.const 64)", *, memory='(memory (export "memory") 1)', result="(result i32)"):
    return bytes(
        wasmtime.wat2wasm(
            f'(module (import "ic0" "trap" (func $trap (param i32 i32))) {memory}'
            f'(func (export "get_candid_pointer") {result} {body})'
            + (f'(data (i32.const 64) "{TEXT}\\00behind")' if "memory" in memory else "")
            + ")"
        )
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_text_is_returned(pack):
    """The text ends before its NUL; the module may be gzip."""
    assert read_candid_pointer(pack(module())) == TEXT.encode()


def test_other_modules_have_none():
    """Without the export there is no interface."""
    assert read_candid_pointer(bytes(wasmtime.wat2wasm("(module)"))) is None


@pytest.mark.parametrize(
    ("wasm", "told"),
    [
        (b"no wasm", "get_candid_pointer"),
        (module("unreachable"), "unreachable"),
        (module("(loop $on (br $on)) (i32.const 0)"), "fuel"),
        (module("(call $trap (i32.const 0) (i32.const 0)) (i32.const 0)"), "get_candid_pointer"),
        (module("(i32.const -1)"), "no text that ends"),
        (module("(i32.const 65535)", memory=FULL), "no text that ends"),
        (module(memory=""), "exports its memory"),
        (module(memory='(memory (export "memory") 8000)'), "memory"),
        (module("", result=""), "no address"),
        (module(result="(param i32) (result i32)"), "takes parameters"),
    ],
)  # fmt: skip
def test_hostile_modules_are_refused(wasm, told):
    """A module that traps, loops, allocates or lies is refused with the reason; it cannot do harm."""
    with pytest.raises(ModuleInvalid) as refused:
        read_candid_pointer(wasm)
    assert told in refused.value.message
