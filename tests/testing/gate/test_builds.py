"""Stages "Wasm", "Interface" and "Candid upgrade", which make no calls of the canister's methods."""

from __future__ import annotations

import pytest

from ic_capsule.backend import reference_did
from ic_harness import candid
from ic_harness.testing.gate import Build
from ic_harness.testing.gate.interface import judge_compatibility, judge_interface
from ic_harness.testing.gate.wasm import judge_wasm
from ic_harness.testing.results import Outcome

from .conftest import reference, scenario, wat

EMPTY = wat("(module)")
WASI = wat(
    '(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))'
)
BROWSER = wat('(module (import "__wbindgen_placeholder__" "x" (func)))')
NEWER = wat('(module (import "ic0" "msg_reply_v9" (func)))')
RESERVED = wat('(module (func (export "canister_nonsense")))')
TRAPS = wat('(module (func (export "canister_init") unreachable))')
ONE_MORE = wat('(module (func (export "canister_update hello")) (func (export "canister_query look")))')


def test_the_reference_installs(started):
    """A valid module is described by its size and imports, and is installed for later stages."""
    run = started(reference())
    found = scenario(run, judge_wasm)
    assert found.outcome is Outcome.PASSED, found.findings
    assert "gzip" in found.findings[0]
    assert "system API" in found.findings[1]
    assert run.canister is not None


@pytest.mark.parametrize(
    ("wasm", "words"),
    [
        (b"no wasm", ["no Wasm module"]),
        (WASI, ["wasi_snapshot_preview1.fd_write", "wasi2ic"]),
        (BROWSER, ["__wbindgen_placeholder__.x", "browser"]),
        (NEWER, ["ic0.msg_reply_v9"]),
        (RESERVED, ["no canister module", "canister_nonsense"]),
        (TRAPS, ["cannot be installed", "trap"]),
    ],
)
def test_modules_that_cannot_be_deployed(started, wasm, words):
    """What no network would take is refused, with what is wrong and what to do."""
    run = started(Build(name="bad.wasm", wasm=wasm))
    found = scenario(run, judge_wasm)
    assert found.outcome is Outcome.FAILED
    assert all(word in found.findings[0] for word in words), found.findings
    assert run.canister is None


def test_init_arguments_are_asked_for(started):
    """When a module whose init takes arguments does not install without, the option is named."""
    did = candid.parse("service : (nat) -> {}")
    found = scenario(started(Build(name="bad.wasm", wasm=TRAPS, interface=did)), judge_wasm)
    assert "--argument" in found.findings[-1]


def test_a_running_canister_has_no_wasm(started):
    """Judged as it runs, a canister has no module to look at: the stage is skipped by name."""
    found = scenario(started(Build(name="abc")), judge_wasm)
    assert found.outcome is Outcome.SKIPPED
    assert "running canister" in found.findings[0]


def test_the_reference_keeps_its_interface(started):
    """Module, published interface and .did of the reference agree, and its generation is recognized."""
    run = started(reference(interface=candid.parse(reference_did())))
    found = scenario(run, judge_wasm, judge_interface)
    assert found.outcome is Outcome.PASSED, found.findings
    assert run.generation.startswith("H")


def test_methods_must_be_those_of_the_interface(started):
    """A method that is missing, of another kind, or not in the .did is a fault."""
    did = candid.parse("service : { gone : () -> (); hello : () -> () query }")
    found = scenario(started(Build(name="x.wasm", wasm=ONE_MORE, interface=did)), judge_wasm, judge_interface)
    assert found.outcome is Outcome.FAILED
    text = "\n".join(found.findings)
    assert "gone is in the .did, but the module exports no such method" in text
    assert "hello is query in the .did, but the module exports it as update" in text
    assert "which no client can find: query look" in text


def test_a_canister_that_is_no_backend_is_told(started):
    """A module that installs but answers as no backend of any generation is refused, not tried further."""
    run = started(Build(name="x.wasm", wasm=EMPTY, interface=candid.parse("service : {}")))
    found = scenario(run, judge_wasm, judge_interface)
    assert found.outcome is Outcome.FAILED
    assert "no capsule backend" in found.findings[0]
    assert run.generation is None


def test_another_interface_than_published(started):
    """A .did that promises what the module does not publish is a fault."""
    did = candid.parse(reference_did().replace("whoami :", "who_am_i :"))
    found = scenario(started(reference(interface=did)), judge_wasm, judge_interface)
    assert found.outcome is Outcome.FAILED
    text = "\n".join(found.findings)
    assert "who_am_i: the method is gone" in text
    assert "the canister publishes what the .did does not have: whoami" in text


def test_without_any_interface_nothing_is_compared(started):
    """No .did and none in the module: skipped, with what to give."""
    found = scenario(started(Build(name="x.wasm", wasm=EMPTY)), judge_interface)
    assert found.outcome is Outcome.SKIPPED
    assert "--candid" in found.findings[0]


def test_old_clients_must_be_able_to_go_on(started):
    """A method that the baseline had and the new build lacks breaks its clients; new methods do not."""
    old = candid.parse(reference_did().replace("whoami :", "who_am_i :"))
    run = started(reference(), baseline=Build(name="old.wasm", interface=old))
    found = scenario(run, judge_interface, judge_compatibility)
    assert found.outcome is Outcome.FAILED
    assert found.findings == (
        "clients of old.wasm break: who_am_i: the method is gone; keep it as long as old clients call it",
        "new methods: whoami",
    )


@pytest.mark.parametrize(
    ("baseline", "words"), [(None, "--baseline"), (Build(name="old.wasm", wasm=EMPTY), "--baseline-candid")]
)
def test_without_an_old_interface_nothing_is_compared(started, baseline, words):
    """What is missing for the comparison is named."""
    found = scenario(started(reference(), baseline=baseline), judge_interface, judge_compatibility)
    assert found.outcome is Outcome.SKIPPED
    assert words in found.findings[0]
