"""Upgrades, snapshots across them, forks, 64-bit canisters, and memory that an upgrade keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_harness.replica.execution import Completed, Entry, Mode, Trapped

from .canisters import Harness, canister, environment

MOTOKO = Path(__file__).parents[3] / "fixtures" / "canisters"

VERSION = """
  (data (i32.const 0) "v{version}")
  (func (export "canister_pre_upgrade")
    (drop (call $ic0.stable64_grow (i64.const 1)))
    (call $ic0.stable64_write (i64.const 0) (i64.const 0) (i64.const 2)))
  (func (export "canister_post_upgrade") {post})
  (func (export "canister_update see")
    (call $ic0.stable64_read (i64.const 2) (i64.const 0) (i64.const 2))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 4)) (call $ic0.msg_reply))
"""


def version(number: int, post: str = "") -> bytes:
    """A canister that writes its version into stable memory before an upgrade."""
    return canister(VERSION.format(version=number, post=post))


def upgrade(harness: Harness, wasm: bytes, *, keep: bool = False) -> Trapped | None:
    """Upgrade as the replica does: all or nothing."""
    old = harness.instance
    before = old.snapshot()
    outcome = _upgraded(harness, wasm, keep=keep)
    if isinstance(outcome, Trapped):
        old.restore(before)
        harness.instance = old
        return outcome
    before.close()
    old.close()
    return None


def _upgraded(harness: Harness, wasm: bytes, *, keep: bool) -> Completed | Trapped:
    old, module = harness.instance, harness.engine.compile(wasm)
    outcome: Completed | Trapped = old.run(
        Entry(export="canister_pre_upgrade"), environment(Mode.PRE_UPGRADE)
    )
    if isinstance(outcome, Trapped):
        return outcome
    old.commit()
    new = harness.engine.instantiate(module, stable=old.stable.image, heap=old.heap.image if keep else None)
    outcome = new.start(environment(Mode.START))
    if isinstance(outcome, Completed) and "canister_post_upgrade" in module.exports:
        outcome = new.run(
            Entry(export="canister_post_upgrade"), environment(Mode.POST_UPGRADE, arg=b"DIDL\0\x01\x7d\x05")
        )
    if isinstance(outcome, Trapped):
        new.close()
        return outcome
    new.commit()
    harness.instance = new
    return outcome


def test_stable_memory_is_carried_over(install_any):
    """An upgrade keeps stable memory and starts with a fresh heap."""
    harness = install_any(version(1))
    assert upgrade(harness, version(2)) is None
    assert harness.reply("see") == b"v2v1"


def test_a_failed_upgrade_changes_nothing(install_any):
    """When post_upgrade traps, the old code and its memory are back, also what pre_upgrade wrote."""
    harness = install_any(version(1))
    trap = upgrade(harness, version(2, post="(i32.store (i32.const 0) (i32.const 0)) (unreachable)"))
    assert trap is not None
    assert harness.instance.stable_size == 0
    assert upgrade(harness, version(3)) is None
    assert harness.reply("see") == b"v3v1"


def test_snapshots_reach_over_upgrades(install_any):
    """Restoring brings back code, heap and stable memory, in any order of moments."""
    harness = install_any(version(1))
    first = harness.instance.snapshot()
    upgrade(harness, version(2))
    second = harness.instance.snapshot()
    upgrade(harness, version(3))
    assert harness.reply("see") == b"v3v2"
    harness.instance.restore(second)
    assert harness.reply("see") == b"v2v1"
    harness.instance.restore(first)
    assert (harness.instance.stable_size, harness.trap("see").error_code) == (0, 502)
    harness.instance.restore(second)
    assert harness.reply("see") == b"v2v1"


def test_a_snapshot_outlives_its_instance(install_any):
    """After the instance is gone a snapshot makes a new one."""
    harness = install_any(version(1))
    upgrade(harness, version(2))
    snapshot = harness.instance.snapshot()
    harness.instance.close()
    harness.instance = snapshot.revive()
    assert harness.reply("see") == b"v2v1"


def test_exported_state_makes_the_same_canister(install_any):
    """Whole states go out and in again: memories and globals."""
    harness = install_any(version(1))
    upgrade(harness, version(2))
    state = harness.instance.export_state()
    harness.instance = harness.engine.load_state(harness.engine.compile(version(2)), state)
    assert harness.instance.export_state() == state
    assert harness.reply("see") == b"v2v1"


def test_a_fork_sees_the_committed_state_only(install_any):
    """A fork starts from the last commit, whatever its origin is doing, and cannot commit."""
    wasm = canister("""
      (func (export "canister_update f") (i32.store (i32.const 0) (i32.add (i32.const 1) (i32.load
        (i32.const 0))))
        (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 1)) (call $ic0.msg_reply))
    """)
    harness = install_any(wasm)
    harness.ok("f")
    entry, env = Entry(export="canister_update f"), environment()
    assert harness.instance.run(entry, env).effects.answer.data == b"\x02"
    fork = harness.instance.fork()
    assert fork.run(entry, env).effects.answer.data == b"\x02"
    with pytest.raises(RuntimeError, match="a fork cannot commit"):
        fork.commit()
    fork.close()
    assert harness.instance.run(entry, env).effects.answer.data == b"\x03"


WIDE = """
  (data (i64.const 0) "wide")
  (func (export "canister_update f")
    (drop (memory.grow (i64.const 1)))
    (drop (call $ic0.stable64_grow (i64.const 1)))
    (call $ic0.stable64_write (i64.const 9) (i64.const 0) (i64.const 4))
    (call $ic0.stable64_read (i64.const 70000) (i64.const 9) (i64.const 4))
    (call $ic0.msg_reply_data_append (i64.const 70000) (i64.const 4)) (call $ic0.msg_reply))
  (func (export "canister_update beyond") (call $ic0.msg_reply_data_append (i64.const -4) (i64.const 8)))
  (func (export "canister_update large")
    (drop (memory.grow (i64.const 70000))) (i64.store (i64.const 4500000000) (i64.const 7))
    (if (i64.ne (memory.grow (i64.const 70000)) (i64.const -1)) (then (unreachable))))
  (func (export "canister_update look")
    (call $ic0.msg_reply_data_append (i64.const 4500000000) (i64.const 1)) (call $ic0.msg_reply))
"""


def test_64_bit_canisters(install_any):
    """A 64-bit canister uses 64-bit pointers everywhere."""
    harness = install_any(canister(WIDE, is_64=True, memory="(memory i64 1)"))
    assert harness.reply("f") == b"wide"
    assert harness.trap("beyond").message == "Canister trapped: heap out of bounds"


def test_64_bit_memory_grows_beyond_4_gib(install):
    """A 64-bit heap moves to larger room when it must, up to 6 GiB, and rolls back from there."""
    harness = install(canister(WIDE, is_64=True, memory="(memory i64 1)"))
    if harness.engine.strategy.name != "mapped":
        pytest.skip("a copied memory of 4 GiB takes too long")
    harness.instance.run(Entry(export="canister_update large"), environment())
    harness.instance.rollback()
    assert harness.instance.heap_size == 1 << 16
    assert harness.reply("f") == b"wide"
    harness.ok("large")
    assert harness.reply("look") == b"\x07"


def motoko(name: str) -> bytes:
    """A canister that the Motoko compiler made."""
    return (MOTOKO / name).read_bytes()


def initialised(engine, wasm: bytes, arg: bytes) -> Harness:
    """Install with an argument for canister_init."""
    harness = Harness(engine, wasm)
    harness.ok("canister_init", Mode.INIT, arg=arg)
    return harness


NUMBER = b"DIDL\0\x01\x7d"


@pytest.mark.parametrize("generation", ["motoko", "motoko-classical"])
def test_motoko_keeps_its_variables(any_engine, generation):
    """A Motoko canister keeps its variables over an upgrade: in its heap, or through stable memory."""
    keep = generation == "motoko"
    harness = initialised(any_engine, motoko(f"{generation}/counter.wasm.gz"), NUMBER + b"\x05")
    harness.ok("increment", arg=b"DIDL\0\0")
    before = harness.reply("canister_query get", Mode.QUERY, arg=b"DIDL\0\0")
    assert before == NUMBER + b"\x06"
    assert harness.instance.module.is_64 == keep
    trap = upgrade(harness, motoko(f"{generation}/counter.wasm.gz"), keep=keep)
    assert trap is None
    assert harness.reply("canister_query get", Mode.QUERY, arg=b"DIDL\0\0") == before
