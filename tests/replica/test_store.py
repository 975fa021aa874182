"""State on disk: what survives, what is refused, what an interrupted writer leaves."""

from __future__ import annotations

import os

import pytest

from ic_harness.errors import RejectError, StateError
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.replica.store import Store
from ic_harness.replica.store import store as store_module
from ic_harness.replica.store.journal import Journal

from .support import BOB, Called, deploy, did, install, management, wasm


def open_replica(folder, **options):
    return Replica(ReplicaConfig(state_dir=folder, clock=ManualClock(), **options))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def filled(folder):
    """A folder with a canister in it; gives the canister's id and the state hash."""
    with open_replica(folder) as replica:
        rust = deploy(replica, "rust/rust", 5)
        rust.update("add", 2)
        rust.update("put", "k", b"value" * 1000)
        return rust.id, replica.state_hash()


def reopened(replica, canister_id):
    return Called(replica, canister_id, did("rust/rust"))


def test_everything_is_there_after_a_restart(folder):
    """Canisters, memories, keys and ids are the same; the counter of ids goes on."""
    canister_id, before = filled(folder)
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        rust = reopened(replica, canister_id)
        assert (rust.query("get"), rust.query("fetch", "k")) == (7, b"value" * 1000)
        assert rust.update("add", 1) == 8
        assert deploy(replica, "rust/rust", 1).id != canister_id


def test_keys_are_stable(folder):
    """The root key belongs to the folder, and another seed does not fit."""
    keys = []
    for _ in range(2):
        with open_replica(folder) as replica:
            keys.append(replica.root_key)
    assert keys[0] == keys[1]
    with pytest.raises(StateError, match="another seed"):
        open_replica(folder, seed=b"other")
    open_replica(folder).close()


def test_a_checkpoint_holds_the_same_as_the_journal(folder, monkeypatch):
    """With a checkpoint after every round the state is the same, and old files are gone."""
    monkeypatch.setattr(store_module, "CHECKPOINT_BYTES", 0)
    canister_id, before = filled(folder)
    assert len(list(folder.glob("checkpoint-*"))) == 1
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        assert reopened(replica, canister_id).update("add", 1) == 8
    with open_replica(folder) as replica:
        assert reopened(replica, canister_id).query("get") == 8


def test_untouched_canisters_are_linked(folder, monkeypatch):
    """A checkpoint shares the files of canisters that did not change."""
    with open_replica(folder) as replica:
        still, busy = deploy(replica, "rust/rust", 1), deploy(replica, "rust/rust", 2)
        monkeypatch.setattr(store_module, "CHECKPOINT_BYTES", 0)
        busy.update("add", 1)
        busy.update("add", 1)
        (name,) = folder.glob(f"checkpoint-*/{still.id.raw.hex()}-heap")
        first = name.stat().st_ino
        busy.update("add", 1)
        (name,) = folder.glob(f"checkpoint-*/{still.id.raw.hex()}-heap")
        assert name.stat().st_ino == first
    with open_replica(folder) as replica:
        assert reopened(replica, still.id).query("get") == 1
        assert reopened(replica, busy.id).query("get") == 5


@pytest.mark.parametrize("cut", [1, 10, 100, 1000])
def test_a_torn_end_is_dropped(folder, cut):
    """A last frame that was not written to its end is as if it had never begun."""
    canister_id, _ = filled(folder)
    journal = folder / "journal-0"
    os.truncate(journal, journal.stat().st_size - cut)
    with open_replica(folder) as replica:
        rust = reopened(replica, canister_id)
        assert rust.query("get") == 7
        assert rust.query("fetch", "k") is None
        assert rust.update("add", 1) == 8
    with open_replica(folder) as replica:
        assert reopened(replica, canister_id).query("get") == 8


def test_damage_in_the_middle_is_told(folder):
    """A wrong byte before the last frame is an error, not a silent loss."""
    filled(folder)
    journal = folder / "journal-0"
    content = bytearray(journal.read_bytes())
    content[200] ^= 1
    journal.write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        open_replica(folder)


def test_one_process_at_a_time(folder):
    """A folder in use is refused with the number of the process that has it."""
    with open_replica(folder), pytest.raises(StateError, match=f"in use by process {os.getpid()}"):
        open_replica(folder)
    open_replica(folder).close()


def test_another_version_is_refused(folder, monkeypatch):
    """State that another version wrote is not guessed at."""
    filled(folder)
    monkeypatch.setattr(store_module, "VERSION", 2)
    with pytest.raises(StateError, match="version 1"):
        open_replica(folder)


def test_upgrades_snapshots_and_deletions_survive(folder):
    """What the management canister does is on disk as well."""
    with open_replica(folder) as replica:
        admin = management(replica)
        kept, gone = deploy(replica, "rust/rust", 1), deploy(replica, "rust/rust", 2)
        taken = admin.update("take_canister_snapshot", {"canister_id": kept.id})
        kept.update("add", 5)
        install(replica, kept.id, wasm("rust/rust"), b"DIDL\0\1\x78" + bytes(8), mode="upgrade")
        admin.update("upload_chunk", {"canister_id": kept.id, "chunk": b"chunk"})
        admin.update("stop_canister", {"canister_id": gone.id})
        admin.update("delete_canister", {"canister_id": gone.id})
        before = replica.state_hash()
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        admin = management(replica)
        call = {"canister_id": kept.id, "snapshot_id": taken["id"]}
        admin.update("load_canister_snapshot", call)
        assert reopened(replica, kept.id).query("get") == 1
        with pytest.raises(RejectError):
            reopened(replica, gone.id).update("add", 1)


def test_a_network_snapshot_is_restored_on_disk(folder):
    """After a restore the folder holds the restored state, blobs included."""
    with open_replica(folder) as replica:
        rust = deploy(replica, "rust/rust", 1)
        snapshot, before = replica.snapshot(), replica.state_hash()
        install(replica, rust.id, wasm("motoko/counter"), b"DIDL\0\1\x7d\1", mode="reinstall")
        node = replica.node
        node.driver.call(lambda: replica._store.checkpoint(node.world, node.machine))
        replica.restore(snapshot)
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        assert reopened(replica, rust.id).query("get") == 1


def test_answers_survive(folder):
    """The status of an answered request is still known after a restart, so it does not run again."""
    from ic_harness.protocol import Ed25519Identity, cbor

    from .support import Wire

    canister_id, _ = filled(folder)
    identity = Ed25519Identity.from_seed(b"a" * 32)
    with open_replica(folder) as replica:
        wire = Wire(replica, identity)
        envelope = wire.seal_call(canister_id, "facts_update", b"DIDL\0\0")
        first = wire.post(f"/api/v3/canister/{canister_id}/call", envelope.to_cbor())
        version = replica.canister(canister_id).version
    with open_replica(folder) as replica:
        wire = Wire(replica, identity)
        again = wire.post(f"/api/v3/canister/{canister_id}/call", envelope.to_cbor())
        fields = [
            wire.certified_fields(cbor.decode(answer.body)["certificate"], envelope.request_id)
            for answer in (first, again)
        ]
        assert fields[0] == fields[1]
        assert replica.canister(canister_id).version == version


def test_a_full_disk_stops_the_replica_and_loses_nothing(folder, monkeypatch):
    """When the journal cannot be written the caller gets no answer, and what was answered is there."""
    from ic_harness.errors import ReplicaError

    canister_id, before = filled(folder)
    replica = open_replica(folder)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "_write", full)
    with pytest.raises(ReplicaError, match="No space left"):
        reopened(replica, canister_id).update("add", 1)
    with pytest.raises(ReplicaError, match="stopped after a failure"):
        replica.execute_update(BOB, canister_id, "get", b"DIDL\0\0")
    replica.close()
    monkeypatch.undo()
    with open_replica(folder) as replica:
        assert replica.state_hash() == before


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    """A replica without a state folder leaves no file in the current one."""
    monkeypatch.chdir(tmp_path)
    with Replica(ReplicaConfig(clock=ManualClock())) as replica:
        deploy(replica, "rust/rust", 1).update("add", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_opening_gives_the_folder_back(folder):
    """After an error while opening, the folder is not locked any more."""
    filled(folder)
    (folder / "journal-0").write_bytes(b"junk that is long enough to hold a header")
    for _ in range(2):
        with pytest.raises(StateError, match="damaged"):
            Store(folder)


def test_the_seed_is_private(folder):
    """The file that the network's keys follow from is readable by its owner alone."""
    filled(folder)
    assert (folder / "seed").stat().st_mode & 0o077 == 0
