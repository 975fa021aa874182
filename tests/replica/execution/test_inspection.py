"""Looking at a module without running it."""

from __future__ import annotations

import gzip

import pytest
import wasmtime

from ic_harness.replica import ModuleInvalid, inspect_module

GOOD = """
(module
  (import "ic0" "msg_reply" (func $reply))
  (func (export "canister_update greet") call $reply)
  (func (export "canister_query look") call $reply)
  (func (export "canister_post_upgrade")))
"""
FOREIGN = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "ic0" "msg_reply" (func))
  (import "ic0" "no_such_call" (func))
  (import "env" "memory" (memory 1)))
"""


def wat(text):
    return bytes(wasmtime.wat2wasm(text))


def test_a_canister_is_told_by_its_parts():
    """Sizes, system calls and methods are told, whether the module came packed or not."""
    plain = wat(GOOD)
    facts = inspect_module(gzip.compress(plain))
    assert (facts.unpacked, facts.compressed, facts.functions) == (len(plain), True, 3)
    assert facts.imports == ("msg_reply",)
    assert facts.methods == {"greet": "update", "look": "query"}
    assert facts.hooks == {"post_upgrade"}
    assert (facts.foreign, facts.problem) == ((), "")


def test_all_foreign_imports_are_told_at_once():
    """Everything that no network offers is listed; the broken rule is told in the network's words."""
    facts = inspect_module(wat(FOREIGN))
    assert facts.foreign == ("wasi_snapshot_preview1.fd_write", "ic0.no_such_call", "env.memory")
    assert facts.problem.startswith("Wasm module has an invalid import section.")


def test_what_the_engine_refuses_is_a_problem():
    """A body that is no valid Wasm is found although nothing is compiled or run."""
    drops_nothing = b"\0asm\1\0\0\0" + b"\1\4\1\x60\0\0" + b"\3\2\1\0" + b"\x0a\5\1\3\0\x1a\x0b"
    assert "failed to validate" in inspect_module(drops_nothing).problem


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x1f\x8b\x08cut short", b"\0asm\1\0\0\0\x2a"])
def test_what_is_no_wasm_raises(junk):
    """What cannot be taken apart at all is an error, not a canister with problems."""
    with pytest.raises(ModuleInvalid, match="decode"):
        inspect_module(junk)
