"""A message is a transaction: what a trap rolls back and what a commit keeps, however memory is held."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Completed, Entry, Mode

from .canisters import canister, environment

# `change` sets heap, private globals and stable memory to the argument's byte; `look` replies with them.
CHANGES = """
  (global $private (mut i64) (i64.const 0))
  (global $vector (mut v128) (v128.const i64x2 0 0))
  (func $set (local $value i32)
    (call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 0) (i32.const 1))
    (local.set $value (i32.load8_u (i32.const 0)))
    (global.set $private (i64.extend_i32_u (local.get $value)))
    (global.set $vector (i64x2.splat (global.get $private)))
    (drop (memory.grow (i32.const 1)))
    (i32.store8 (i32.const 5000) (local.get $value))
    (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (local.get $value))
    (drop (call $ic0.stable64_grow (i64.const 2)))
    (call $ic0.stable64_write (i64.const 70000) (i64.const 0) (i64.const 1)))
  (func (export "canister_update change") (call $set))
  (func (export "canister_update change_and_trap") (call $set) (unreachable))
  (func (export "canister_update change_and_loop") (call $set) (loop (br 0)))
  (func (export "canister_update look")
    (i64.store (i32.const 8) (global.get $private))
    (i64.store (i32.const 16) (i64x2.extract_lane 1 (global.get $vector)))
    (i32.store (i32.const 24) (memory.size))
    (i64.store (i32.const 28) (call $ic0.stable64_size))
    (i32.store8 (i32.const 36) (i32.load8_u (i32.const 5000)))
    (i32.store8 (i32.const 37) (i32.load8_u (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1))))
    (if (i64.gt_u (call $ic0.stable64_size) (i64.const 0))
      (then (call $ic0.stable64_read (i64.const 38) (i64.const 70000) (i64.const 1))))
    (call $ic0.msg_reply_data_append (i32.const 8) (i32.const 31))
    (call $ic0.msg_reply))
"""


def state(value: int, heap_pages: int, stable_pages: int) -> bytes:
    """What `look` replies."""
    number = value.to_bytes(8, "little")
    sizes = heap_pages.to_bytes(4, "little") + stable_pages.to_bytes(8, "little")
    return number + number + sizes + bytes([value, value, value])


def test_a_message_that_succeeds_stays(install_any):
    """Heap, globals, stable memory and both sizes are kept by a commit."""
    canister_ = install_any(canister(CHANGES))
    canister_.ok("change", arg=b"\x07")
    assert canister_.reply("look") == state(7, 2, 2)
    canister_.ok("change", arg=b"\x08")
    assert canister_.reply("look") == state(8, 3, 4)


@pytest.mark.parametrize("how", ["change_and_trap", "change_and_loop"])
def test_a_trap_leaves_nothing(install_any, how):
    """A trap, or the instruction limit, takes back heap, globals, stable memory and their growth."""
    canister_ = install_any(canister(CHANGES))
    assert canister_.trap(how, arg=b"\x09", instruction_limit=10_000).instructions > 0
    assert canister_.reply("look")[:-3] == state(0, 1, 0)[:-3]
    canister_.ok("change", arg=b"\x07")
    for _ in range(3):
        canister_.trap(how, arg=b"\x09", instruction_limit=10_000)
        assert canister_.reply("look") == state(7, 2, 2)


def test_rollback_drops_a_success(install_any):
    """What a query did is dropped by `rollback`, and the memory can grow again afterwards."""
    canister_ = install_any(canister(CHANGES))
    canister_.ok("change", arg=b"\x07")
    instance = canister_.instance
    for _ in range(3):
        assert isinstance(
            instance.run(Entry(export="canister_update change"), environment(arg=b"\x09")), Completed
        )
        assert (instance.heap_size, instance.stable_size) == (3 << 16, 4 << 16)
        instance.rollback()
        assert (instance.heap_size, instance.stable_size) == (2 << 16, 2 << 16)
    assert canister_.reply("look") == state(7, 2, 2)


def test_shrunk_memory_is_out_of_bounds_again(install_any):
    """After growth was rolled back, an access to what was lost traps, and new growth is zero."""
    canister_ = install_any(
        canister("""
        (func (export "canister_update grow") (drop (memory.grow (i32.const 2)))
          (i32.store (i32.const 190000) (i32.const -1)) (unreachable))
        (func (export "canister_update touch") (drop (i32.load (i32.const 190000))))
        (func (export "canister_update copy")
          (memory.copy (i32.const 0) (i32.const 60000) (i32.const 10000)))
        (func (export "canister_update regrow") (drop (memory.grow (i32.const 2)))
          (if (i32.load (i32.const 190000)) (then (unreachable))))
        """)
    )
    for _ in range(2):
        canister_.trap("grow")
        assert canister_.trap("touch").message == "Canister trapped: heap out of bounds"
        assert canister_.trap("copy").message == "Canister trapped: heap out of bounds"
    canister_.ok("regrow")


def test_page_diff_is_what_changed(install_any):
    """A commit tells the pages it changed, their content, sizes and globals: enough for a journal."""
    canister_ = install_any(canister(CHANGES))
    instance = canister_.instance
    instance.run(Entry(export="canister_update change"), environment(arg=b"\x07"))
    diff = instance.commit()
    heap, stable = bytearray(diff.heap_size), bytearray(diff.stable_size)
    for region, offset, content in diff:
        target = heap if region == "heap" else stable
        target[offset : offset + len(content)] = content
    whole = instance.export_state()
    assert (bytes(heap), bytes(stable)) == (bytes(whole.heap), bytes(whole.stable))
    assert diff.globals == whole.globals
    assert sum(end - start for start, end in diff.heap_ranges) <= 4 * 4096 + (1 << 16)


def test_tables_start_afresh(install_any):
    """A module that changes its table gets the original table for each message, as on the network."""
    canister_ = install_any(
        canister("""
        (table 2 funcref) (elem (i32.const 0) $one)
        (global $runs (mut i32) (i32.const 0))
        (func $one (global.set $runs (i32.add (global.get $runs) (i32.const 1))))
        (func (export "canister_update swap")
          (call_indirect (i32.const 0)) (table.set (i32.const 0) (ref.null func)))
        """)
    )
    assert canister_.module.native.traits.fresh
    canister_.ok("swap")
    canister_.ok("swap")
    assert canister_.instance.export_state().globals == (2,)


def test_start_runs_once(install_any):
    """The start function runs when it is asked to, not each time the instance is made anew."""
    canister_ = install_any(
        canister("""
        (global $starts (mut i32) (i32.const 0))
        (func $start (global.set $starts (i32.add (global.get $starts) (i32.const 1)))) (start $start)
        (table 1 funcref)
        (func (export "canister_update f") (table.set (i32.const 0) (ref.null func)))
        """)
    )
    canister_.ok("f")
    assert canister_.instance.export_state().globals == (1,)


def test_a_bug_of_ours_is_raised_and_rolled_back(install):
    """An exception that is no trap comes out of `run`, and nothing of the message stays."""
    canister_ = install(canister(CHANGES))
    canister_.ok("change", arg=b"\x07")
    with pytest.raises(TypeError):
        canister_.run("change", arg=None)
    with pytest.raises(TypeError):
        canister_.run("look", reply_limit="x")
    assert canister_.reply("look") == state(7, 2, 2)


def test_a_missing_export_is_a_key_error(install):
    """The scheduler asks the module first; execution refuses by name."""
    with pytest.raises(KeyError, match="nothing"):
        install(canister("")).run("nothing", Mode.UPDATE)
