"""Descriptions of modules in the code cache: what spares unpacking and validating."""

from __future__ import annotations

import gzip

import pytest

from ic_harness.replica.execution import Engine, ModuleInvalid, description
from ic_harness.replica.execution import module as modules
from ic_harness.replica.execution.compiler import Compiler

from .canisters import Harness, canister

COUNTER = canister("""
  (global $count (mut i32) (i32.const 0))
  (@custom "icp:public candid:service" "service : {}")
  (@custom "icp:private secret" "\\00\\ff")
  (func (export "canister_query q") (call $ic0.msg_reply))
  (func (export "canister_update f") (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $ic0.msg_reply))
""")
LONG_NAME = canister(f'(func (export "canister_query {"n" * 30_000}") (call $ic0.msg_reply))')


def refuse(*_args, **_options):
    raise AssertionError("validated although the description was there")


def facts(module):
    """All that a module says of itself, without the code."""
    return {name: getattr(module, name) for name in ("wasm", "wasm_hash", "exports", "methods", "is_64")} | {
        "sections": dict(module.custom_sections),
        "traits": module.native.traits,
    }


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_module_is_described_once(tmp_path, monkeypatch, pack):
    """The next process neither unpacks nor validates it, and has the same module."""
    wasm = pack(COUNTER)
    first = facts(Compiler(tmp_path).compile(wasm))
    assert set(first["sections"]) == {"candid:service", "secret"}
    assert first["traits"].globals
    monkeypatch.setattr(modules, "draft", refuse)
    assert facts(Compiler(tmp_path).compile(wasm)) == first


def test_code_that_is_gone_is_compiled_anew(tmp_path):
    """A description without its code is not enough."""
    first = facts(Compiler(tmp_path).compile(COUNTER))
    for path in tmp_path.iterdir():
        if "-described-" not in path.name:
            path.unlink()
    assert facts(Compiler(tmp_path).compile(COUNTER)) == first
    Harness(Engine(tmp_path), COUNTER).ok("f")


def test_changed_rules_describe_anew(tmp_path, monkeypatch):
    """With other source of this folder, another version, a description is not used."""
    Compiler(tmp_path).compile(COUNTER)
    monkeypatch.setattr(description, "rules_digest", lambda: "other")
    monkeypatch.setattr(modules, "draft", refuse)
    with pytest.raises(AssertionError, match="validated although"):
        Compiler(tmp_path).compile(COUNTER)


def test_without_source_nothing_is_described(tmp_path, monkeypatch):
    """Where the rules cannot be told from those of another version, each process validates."""
    digest = description.rules_digest.__wrapped__
    assert digest() is not None
    monkeypatch.setattr(description, "__file__", str(tmp_path / "none" / "description.py"))
    assert digest() is None
    monkeypatch.setattr(description, "rules_digest", digest)
    Compiler(tmp_path).compile(COUNTER)
    assert not [path for path in tmp_path.iterdir() if "-described-" in path.name]


def test_limits_of_names_are_kept_apart(tmp_path):
    """A module that is valid without them is still refused with them."""
    Compiler(tmp_path, limit_names=False).compile(LONG_NAME)
    with pytest.raises(ModuleInvalid):
        Compiler(tmp_path).compile(LONG_NAME)
