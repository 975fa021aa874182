"""What makes a module a canister, and what is refused in which words."""

from __future__ import annotations

import contextlib
import gzip

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.replica.execution import Engine, ModuleInvalid
from ic_harness.replica.execution.module import draft, unpack
from ic_harness.replica.execution.validation import MAX_MODULE

from .canisters import canister


def wat(text: str) -> bytes:
    """A module as it stands."""
    return bytes(wasmtime.wat2wasm(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('(module (import "env" "f" (func)))', "Function 'f' from module 'env' is not available"),
        ('(module (import "ic0" "nonsense" (func)))', "Function 'nonsense' from module 'ic0'"),
        ('(module (import "ic0" "memory" (memory 1)))', "Only function imports are allowed"),
        ('(module (import "ic0" "msg_reply" (func (param i32))))', "invalid function signature"),
        ('(module (import "ic0" "stable_size" (func (result i32))) (memory i64 1))', "import section"),
        (
            '(module (import "ic0" "trap" (func (param i32 i32))) (memory i64 1))',
            "invalid function signature",
        ),
        ("(module (memory 1) (memory 1))", "multiple memories"),
        ("(module (memory 1 1 shared))", "threads"),
        ('(module (func (export "canister_nonsense")))', "Exporting reserved function 'canister_nonsense'"),
        ('(module (func (export "canister_update")))', "Exporting reserved function"),
        ('(module (func (export "canister_init") (param i32)))', "invalid function signature"),
        (
            '(module (func (export "canister_query f") (result i32) (i32.const 0)))',
            "invalid function signature",
        ),
        (
            '(module (func (export "canister_query f")) (func (export "canister_update f")))',
            "Duplicate function 'f' exported multiple times with different call types",
        ),
        ('(module (@custom "icp:secret x" "y"))', "Invalid custom section"),
        ('(module (@custom "icp:public x" "y") (@custom "icp:private x" "z"))', "Duplicate custom section"),
        ("(module (global (mut funcref) (ref.null func)))", "mutable reference"),
        ("(module (global i32 (i32.add (i32.const 1) (i32.const 1))))", "extended-const"),
        ("(module (tag))", "section 13"),
        ("(module (func (result i32)))", "Wasmtime failed to validate wasm module"),
    ],
)
def test_refused(engine, text, reason):
    """A module that breaks a rule is refused with the reason."""
    with pytest.raises(ModuleInvalid) as caught:
        engine.compile(wat(text))
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("".join(f'(func (export "canister_query m{i}"))' for i in range(1001)), "exceeds 1000"),
        (f'(func (export "canister_query {"n" * 20001}"))', "lengths in exported functions"),
        ("(global i32 (i32.const 0))" * 1001, "1001 globals"),
        ("".join(f'(@custom "icp:public s{i}" "x")' for i in range(17)), "17 custom sections"),
        (f'(@custom "icp:public s" "{"x" * (1 << 20)}")', "Size of custom sections"),
    ],
)
def test_limits(text, reason):
    """Counts and sizes beyond the network's limits are refused."""
    with pytest.raises(ModuleInvalid) as caught:
        draft(wat(f"(module {text})"))
    assert reason in caught.value.message


def test_names_may_be_anything(engine):
    """A method's name is any text; one space separates it from its kind."""
    module = engine.compile(canister('(func (export "canister_update <ic-cdk internal> timer executor"))'))
    assert module.methods == {"<ic-cdk internal> timer executor": "update"}
    assert "canister_update <ic-cdk internal> timer executor" in module.exports


def test_metadata(engine):
    """Custom sections carry who may read them; the hash is of what was uploaded."""
    wasm = wat('(module (@custom "icp:public candid:service" "x") (@custom "icp:private secret" "y"))')
    packed = gzip.compress(wasm)
    module = engine.compile(packed)
    sections = {name: (section.public, section.content) for name, section in module.custom_sections.items()}
    assert sections == {"candid:service": (True, b"x"), "secret": (False, b"y")}
    assert module.wasm_hash != engine.compile(wasm).wasm_hash
    assert (module.size, module.wasm) == (len(packed), packed)


@pytest.mark.parametrize(
    "damage", [b"", b"\0asm", b"no wasm at all", gzip.compress(b"x" * 100, mtime=0)[:-9], b"\x1f\x8b\x08"]
)
def test_not_wasm(engine, damage):
    """Bytes that are no module are refused as undecodable."""
    with pytest.raises(ModuleInvalid, match="Failed to decode wasm module"):
        engine.compile(damage)


def test_gzip_bombs_stop_at_the_limit():
    """Unpacking stops at 100 MiB."""
    with pytest.raises(ModuleInvalid, match="exceeds the maximum allowed size"):
        unpack(gzip.compress(bytes(MAX_MODULE + 1), 1))


@pytest.mark.parametrize(
    ("body", "memory", "reason"),
    [
        ('(data (i32.const 65535) "xx")', "(memory 1)", "invalid data section"),
        ("(table 1 funcref) (elem (i32.const 1) $f) (func $f)", "(memory 1)", "invalid element section"),
        ("", "(memory i64 98305)", "cannot be instantiated"),
    ],
)
def test_what_does_not_fit(engine, body, memory, reason):
    """Segments outside their memory or table, and a first memory beyond 6 GiB, are refused at once."""
    module = engine.compile(canister(body, memory=memory))
    with pytest.raises(ModuleInvalid, match=reason):
        engine.instantiate(module)


_SEED = canister("""
  (table 3 funcref) (elem (i32.const 0) $f) (global (mut i32) (i32.const 1)) (data (i32.const 0) "abc")
  (func $f (block (br_table 0 0 (i32.const 0))) (drop (f64.const 1)) (drop (v128.const i64x2 1 2)))
  (func (export "canister_update f") (call $ic0.msg_reply) (memory.copy (i32.const 0) (i32.const 1)
    (i32.const 2)))
""")


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(_SEED) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_modules_never_surprise(position, byte, cut):
    """Any change of any byte gives a module or ModuleInvalid, never another error or a crash."""
    damaged = _SEED[:position] if cut else _SEED[:position] + bytes([byte]) + _SEED[position + 1 :]
    engine = _shared_engine()
    with contextlib.suppress(ModuleInvalid):
        engine.instantiate(engine.compile(damaged)).close()


_ENGINES: list[Engine] = []


def _shared_engine() -> Engine:
    if not _ENGINES:
        _ENGINES.append(Engine())
    return _ENGINES[0]
