"""The memories of a canister in a sliced upgrade: what stays is not copied, and nothing else differs."""

from __future__ import annotations

import pytest

from ic_harness.errors import RejectError
from ic_harness.replica.execution import pages
from tests.replica.support import create, wat

from .long_canisters import TEN, sliced, ticks_until
from .long_code import managed

PAGES = 128
"""Wasm pages of each memory."""
_CODE = f"""
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (memory (export "memory") {PAGES})
  (global $step (mut i32) (i32.const 1))
  (@custom "icp:private enhanced-orthogonal-persistence" "")
  (func $spin (local $rounds i32) (local $value i64)
    (local.set $rounds (i32.const {TEN // 2}))
    (loop $again
      (local.set $value (i64.rotl (i64.mul (local.get $value) (i64.const 6364136223846793005)) (i64.const 7)))
      (local.set $value (i64.add (local.get $value) (i64.const 1442695040888963407)))
      (local.set $value (i64.xor (local.get $value) (i64.shr_u (local.get $value) (i64.const 3))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (i64.store (i32.const 16) (local.get $value)))
  (func $mark (param $mark i32) (param $page i32) (param $end i32)
    (loop $again
      (i32.store (i32.shl (local.get $page) (i32.const 12)) (local.get $mark))
      (call $write (i32.shl (local.get $page) (i32.const 12)) (i32.shl (local.get $page) (i32.const 12)) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 3)))
      (br_if $again (i32.lt_u (local.get $page) (local.get $end)))))
  (func (export "canister_init")
    (drop (call $grow (i32.const {PAGES})))
    (memory.fill (i32.const 4096) (i32.const 9) (i32.const {(PAGES - 1) << 16}))
    (call $write (i32.const 4096) (i32.const 4096) (i32.const {(PAGES - 1) << 16})))
  (func (export "canister_pre_upgrade")
    (drop (call $grow (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (call $mark (i32.const 7) (i32.const 5) (i32.const 50))
    (call $spin))
  (func (export "canister_post_upgrade")
    (call $mark (i32.const 8) (i32.const 29) (i32.const 90))
    (call $spin)
    (if (call $arg_size) (then unreachable)))
"""
MODULE = wat(_CODE, prelude="")
NEXT = wat(_CODE + '(@custom "icp:public next" "")', prelude="")


def installing(replica, canister, mode, module, arg=b""):
    argument = {"mode": mode, "canister_id": canister, "wasm_module": module, "arg": arg}
    call = managed(replica, "install_code", argument)
    ticks_until(call, replica, 100)
    return call


def outcome(replica, persistence, arg):
    """Everything that there is of a canister after an upgrade, and after a network snapshot from before it."""
    canister = create(replica)
    replica.hold()
    installing(replica, canister, {"install": None}, MODULE)()
    taken, before = replica.snapshot(), replica.state_hash()
    mode = {"upgrade": {"skip_pre_upgrade": None, "wasm_memory_persistence": {persistence: None}}}
    submitted = installing(replica, canister, mode, NEXT, arg)
    try:
        answer = submitted()
    except RejectError as error:
        answer = (error.error_code, str(error))
    record = replica.canister(canister)
    state = replica.node.instances.export_state(record)
    found = (answer, record.cycles, record.memory_used, record.module_hash, state)
    replica.tick()
    replica.restore(taken)
    assert replica.state_hash() == before
    return found


@pytest.mark.parametrize("arg", [b"", b"trap"], ids=["good", "trapping"])
@pytest.mark.parametrize("persistence", ["keep", "replace"])
def test_nothing_differs(persistence, arg):
    """Memories, globals and fees are those of an upgrade that is not sliced."""
    found = []
    for options in ({}, {"slice_instructions": 2_000_000_000}):
        with sliced(**options) as replica:
            found.append(outcome(replica, persistence, arg))
    assert found[0] == found[1]


def test_the_folder_has_it(folder):
    """What a sliced upgrade left is what a replica finds that opens the folder."""
    with sliced(state_dir=folder) as replica:
        canister = create(replica)
        replica.hold()
        installing(replica, canister, {"install": None}, MODULE)()
        mode = {"upgrade": {"skip_pre_upgrade": None, "wasm_memory_persistence": {"keep": None}}}
        installing(replica, canister, mode, NEXT)()
        before = replica.state_hash()
    with sliced(state_dir=folder) as replica:
        assert replica.state_hash() == before


@pytest.mark.skipif(not pages.supported(), reason="needs files in memory")
@pytest.mark.parametrize("persistence", ["keep", "replace"])
def test_what_stays_is_not_copied(monkeypatch, persistence):
    """Of sixteen megabytes an upgrade writes the pages that it changes, and no export of them is made."""
    with sliced() as replica:
        canister = create(replica)
        replica.hold()
        installing(replica, canister, {"install": None}, MODULE)()
        written, write_out = [], pages.write_out

        def counted(descriptor, address, length, offset):
            written.append(length)
            write_out(descriptor, address, length, offset)

        monkeypatch.setattr(pages, "write_out", counted)
        monkeypatch.setattr("ic_harness.replica.execution.committed_memory.Image.export", None)
        monkeypatch.setattr("ic_harness.replica.execution.committed_memory.Image.fill", None)
        mode = {"upgrade": {"skip_pre_upgrade": None, "wasm_memory_persistence": {persistence: None}}}
        installing(replica, canister, mode, NEXT)()
        # A branch and a commit of each memory: thirty-seven pages with a mark, and one with the loop's result.
        assert sum(written) <= 4 * 38 * pages.PAGE
