"""`restore` of a network with a state folder: what it writes, and what is found when the folder is opened again."""

from __future__ import annotations

import random

import pytest
import wasmtime

from ic_harness.replica import Replica, ReplicaConfig
from tests.replica.support import ALICE, create, install

PAGE = 65536
MODULE = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (memory 1)
  (global $calls (mut i64) (i64.const 0))
  (func (export "canister_update grow")
    (call $arg (i32.const 0) (i32.const 0) (i32.const 8))
    (drop (call $grow (i64.load (i32.const 0))))
    (drop (memory.grow (i32.const 1)))
    (call $reply))
  (func (export "canister_update write")
    (call $arg (i32.const 0) (i32.const 0) (i32.const 8))
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (i64.store (i32.const 8) (i64.const -1))
    (call $write (i64.load (i32.const 0)) (i64.const 8) (i64.const 8))
    (call $reply)))"""


def number(value):
    return value.to_bytes(8, "little")


def installed(replica):
    canister = create(replica)
    install(replica, canister, bytes(wasmtime.wat2wasm(MODULE)))
    return canister


def journal_size(folder):
    (journal,) = folder.glob("journal-*")
    return journal.stat().st_size


def settings(folder):
    return ReplicaConfig(seed=b"r", state_dir=folder)


def hash_after_reopening(folder):
    with Replica(settings(folder)) as replica:
        return replica.state_hash()


def test_a_restore_writes_what_changed(folder):
    """100 MB of stable memory, one page changed: the journal grows by kilobytes, not by the memory."""
    with Replica(settings(folder)) as replica:
        canister = installed(replica)
        replica.execute_update(ALICE, canister, "grow", number(1600))
        for page in range(0, 1600, 100):
            replica.execute_update(ALICE, canister, "write", number(page * PAGE))
        snapshot = replica.snapshot()
        wanted = replica.state_hash()
        replica.execute_update(ALICE, canister, "write", number(50 * PAGE))
        before = journal_size(folder)
        replica.restore(snapshot)
        assert journal_size(folder) - before < 100_000
        assert replica.state_hash() == wanted
        snapshot.close()
    assert hash_after_reopening(folder) == wanted


@pytest.mark.parametrize("checkpoint", [1 << 30, 1])
def test_memory_that_shrinks_and_grows_again_has_zeros(folder, monkeypatch, checkpoint):
    """Content behind the size that a restore goes back to does not come again when the memory grows."""
    monkeypatch.setattr("ic_harness.replica.store.store.CHECKPOINT_BYTES", checkpoint)
    with Replica(settings(folder)) as replica:
        canister = installed(replica)
        replica.execute_update(ALICE, canister, "grow", number(1))
        snapshot = replica.snapshot()
        replica.execute_update(ALICE, canister, "grow", number(3))
        replica.execute_update(ALICE, canister, "write", number(2 * PAGE))
        replica.restore(snapshot)
        replica.execute_update(ALICE, canister, "grow", number(3))
        wanted = replica.state_hash()
        assert replica.stable_memory(canister) == bytes(4 * PAGE)
        snapshot.close()
    assert hash_after_reopening(folder) == wanted


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_changes_and_restores(folder, monkeypatch, seed):
    """Random writes, growth, snapshots, restores, reinstalls and restarts: the folder has what the replica had."""
    chance = random.Random(seed)
    monkeypatch.setattr("ic_harness.replica.store.store.CHECKPOINT_BYTES", 300_000)
    canister, wanted = None, b""
    for _ in range(4):
        with Replica(settings(folder)) as replica:
            if canister is None:
                canister = installed(replica)
                replica.execute_update(ALICE, canister, "grow", number(1))
            else:
                assert replica.state_hash() == wanted
            snapshots = [replica.snapshot()]
            for _ in range(30):
                change(replica, canister, snapshots, chance)
            wanted = replica.state_hash()


def change(replica, canister, snapshots, chance):
    what = chance.random()
    size = len(replica.stable_memory(canister))
    if what < 0.5 and size:
        replica.execute_update(ALICE, canister, "write", number(chance.randrange(size - 8)))
    elif what < 0.65:
        replica.execute_update(ALICE, canister, "grow", number(chance.randint(1, 2)))
    elif what < 0.75:
        snapshots.append(replica.snapshot())
    elif what < 0.97:
        replica.restore(chance.choice(snapshots))
    else:
        install(replica, canister, bytes(wasmtime.wat2wasm(MODULE)), mode="reinstall")
