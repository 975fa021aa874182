"""How complex a function may be: DFINITY's limit, which keeps the time that the compiler takes bounded."""

from __future__ import annotations

import pytest
import wasmtime

from ic_harness.replica.execution import ModuleInvalid
from ic_harness.replica.execution.instrument import leb128


def loops(count):
    """A module whose second function has so many empty loops."""
    return bytes(wasmtime.wat2wasm(f"(module (func) (func {'(loop)' * count}))"))


def test_a_complex_function_is_refused(engine):
    """The numbers and the text are those of DFINITY's replica for the same module."""
    with pytest.raises(ModuleInvalid) as caught:
        engine.compile(loops(20_001))
    assert caught.value.message == (
        "Wasm module contains a function at index 1 with complexity 1020052 which exceeds the maximum complexity "
        "allowed 1000000."
    )


def test_one_below_the_limit_is_installed(engine):
    """Each loop counts 50 and its end 1, as does the function's end: 19,607 of them are 999,958."""
    engine.compile(loops(19_607))
    with pytest.raises(ModuleInvalid, match="complexity 1000009"):
        engine.compile(loops(19_608))


@pytest.mark.parametrize(
    "code",
    [
        b"\x02\x40" * 150_000 + b"".join(b"\x41\0\x0d" + bytes([n % 128]) for n in range(80_000)),
        b"\x03\x40" * 150_000,
        b"\x41\0\x04\x40" * 150_000,
    ],
    ids=["blocks with branches", "loops", "ifs"],
)
def test_deep_nesting_is_refused_before_it_is_compiled(engine, code):
    """Blocks nested a hundred and fifty thousand deep, for which the compiler takes more than linear time."""
    body = b"\0" + code + b"\x0b" * 150_001
    with pytest.raises(ModuleInvalid, match="exceeds the maximum complexity allowed 1000000"):
        engine.compile(_module(body))


def _module(body):
    code = b"\x01" + leb128(len(body)) + body
    return b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a" + leb128(len(code)) + code
