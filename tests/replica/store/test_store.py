"""State on disk: what survives, what is refused, what an interrupted writer leaves."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_harness.agent.retry import MAX_RETRY_AFTER_S
from ic_harness.errors import RejectError, ReplicaError, StateError
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.replica.store import Store, files, sealed
from ic_harness.replica.store import store as store_module
from ic_harness.replica.store.lock import FolderLock
from ic_harness.replica.store.memories import StoredMemory
from tests.replica.restless import restless
from tests.replica.store_support import Small, fill
from tests.replica.support import BOB, Called, Wire, create, deploy, did, install, management, wasm


def open_replica(folder, **options):
    return Replica(ReplicaConfig(state_dir=folder, clock=ManualClock(), **options))


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


@pytest.mark.parametrize("length", [1, 30, 100])
def test_a_torn_end_is_dropped(folder, length, caplog):
    """A last frame that was not written to its end is as if it had never begun, and the log says so."""
    canister_id, _ = filled(folder)
    journal, acknowledged = folder / "journal-0", folder / "committed-0"
    before = journal.stat().st_size, acknowledged.read_bytes()
    with open_replica(folder) as replica:
        reopened(replica, canister_id).update("add", 2)
    os.truncate(journal, before[0] + length)
    acknowledged.write_bytes(before[1])
    with open_replica(folder) as replica:
        rust = reopened(replica, canister_id)
        assert rust.query("get") == 7
        assert rust.update("add", 1) == 8
    assert f"{journal}: frame" in caplog.text
    assert "torn" in caplog.text
    with open_replica(folder) as replica:
        assert reopened(replica, canister_id).query("get") == 8


def test_an_acknowledged_round_that_is_gone_is_told(folder):
    """A journal that is shorter than what was acknowledged is an error, not a torn end."""
    filled(folder)
    journal = folder / "journal-0"
    os.truncate(journal, journal.stat().st_size - 1)
    with pytest.raises(StateError, match=r"whole frames, \d+ frames up to byte \d+ were acknowledged"):
        open_replica(folder)


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
    """State that a later version wrote is not guessed at."""
    monkeypatch.setattr(sealed, "VERSION", 3)
    filled(folder)
    monkeypatch.undo()
    with pytest.raises(
        StateError, match="version 3 of the state format, this program knows versions 1 and 2"
    ):
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
        node.runner.call(lambda: replica._network.stores[0].checkpoint(node.state, node.instances))
        replica.restore(snapshot)
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        assert reopened(replica, rust.id).query("get") == 1


def test_answers_survive(folder):
    """The status of an answered request is still known after a restart, so it does not run again."""
    from ic_harness.protocol import Ed25519Identity, cbor
    from tests.replica.support import Wire

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


@pytest.mark.parametrize("function", ["write", "write_at"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_failing_disk_stops_the_replica_and_loses_nothing(folder, monkeypatch, number, function):
    """When a round cannot be written the caller gets no answer, and what was answered is there."""
    canister_id, before = filled(folder)
    replica = open_replica(folder)
    original = getattr(files, function)

    def fail(handle, content, *rest):
        path = rest[-1]
        if function == "write":
            original(handle, [content[0][:10]], path)
        raise StateError(f"cannot write {path}: {os.strerror(number)}")

    monkeypatch.setattr(files, function, fail)
    with pytest.raises(ReplicaError, match=rf"cannot write {folder}/\w+-0: {os.strerror(number)}"):
        reopened(replica, canister_id).update("add", 1)
    monkeypatch.undo()
    with pytest.raises(ReplicaError, match="stopped after a failure"):
        replica.execute_update(BOB, canister_id, "get", b"DIDL\0\0")
    wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
    answer = wire.post(
        f"/api/v3/canister/{canister_id}/call", wire.seal_call(canister_id, "get", b"DIDL\0\0").to_cbor()
    )
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > MAX_RETRY_AFTER_S, (
        "an agent would wait for what does not come back"
    )
    replica.close()
    with open_replica(folder) as replica:
        if function == "write":
            assert replica.state_hash() == before
        # Where only the acknowledgement could not be written the round is there without having been answered.
        assert reopened(replica, canister_id).query("get") == 7 + (function == "write_at")


def test_no_round_follows_one_that_was_not_kept(folder, monkeypatch):
    """After a restore that could not be written nothing goes on from it: the folder stays as it was."""
    with open_replica(folder) as replica:
        rust = deploy(replica, "rust/rust", 1)
        snapshot = replica.snapshot()
        rust.update("add", 5)

        def full(_handle, _content, path):
            raise StateError(f"cannot write {path}: No space left on device")

        monkeypatch.setattr(files, "write", full)
        with pytest.raises(StateError, match="No space left"):
            replica.restore(snapshot)
        monkeypatch.undo()
        with pytest.raises(ReplicaError, match="no round can be kept after a failure"):
            rust.update("add", 1)
    with open_replica(folder) as replica:
        assert reopened(replica, rust.id).query("get") == 6


def test_a_time_that_cannot_be_read_again_is_not_written(folder):
    """A clock beyond 64 bits stops the round before it is journaled; the folder opens again."""
    canister_id, before = filled(folder)
    replica = open_replica(folder)
    replica.clock.set_ns(10**400)
    with pytest.raises(ReplicaError, match="a round cannot be kept: its time has 1329 bits"):
        reopened(replica, canister_id).update("add", 1)
    replica.close()
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


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_everything_is_private(folder, umask):
    """Whatever the umask: files are for their owner alone, as is a folder that was not there before."""
    old = os.umask(umask)
    try:
        store = Store(folder)
        small = Small(store)
        canister = small.install(1)
        small.checkpoint()
        small.change(canister, 0, b"x")
        store.release()
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert all(mode & 0o600 == 0o600 for mode in modes.values())


def test_a_folder_that_was_there_keeps_its_permissions(folder):
    """Only what the store makes is made private: the folder may hold other things."""
    folder.mkdir(mode=0o755)
    Store(folder).release()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


def test_a_closing_checkpoint_that_fails_loses_nothing(folder, monkeypatch, caplog):
    """The journal holds everything, so a checkpoint that fails at the end is only noted."""
    monkeypatch.setattr(store_module, "CLOSING_BYTES", 0)
    canister_id, before = filled(folder)
    replica = open_replica(folder)

    def full(path):
        raise StateError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(files, "create", full)
    replica.close()
    monkeypatch.undo()
    assert "No space left" in caplog.text
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        assert reopened(replica, canister_id).query("get") == 7


def test_a_memory_is_loaded_beside_a_checkpoint(folder, monkeypatch):
    """A query that loads a memory, while a checkpoint replaces the files that it is in, reads it all the same."""
    fill(folder)
    store = Store(folder)
    small = Small(store)
    canister = b"\1" * 10
    loading, written, original = threading.Event(), threading.Event(), StoredMemory.load

    def load(memory, journal):
        loading.set()
        assert written.wait(60)
        return original(memory, journal)

    def sync_folder(path):
        if path == folder:
            written.set()

    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(StoredMemory, "load", load)
        loaded = pool.submit(store.load_memory, canister)
        assert loading.wait(60)
        monkeypatch.setattr(StoredMemory, "load", original)
        monkeypatch.setattr(files, "sync_folder", sync_folder)
        pool.submit(small.checkpoint).result(60)
        assert loaded.result(60) == small.instances.images[canister]
    store.release()


# --- the lock -----------------------------------------------------------------------------------------------


def test_a_lock_of_a_dead_process_is_no_lock(folder):
    """A file left behind with a number in it keeps nobody out."""
    folder.mkdir()
    (folder / "lock").write_text("1\n")
    Store(folder).release()
    assert (folder / "lock").read_text() == ""


def test_a_deleted_lock_lets_no_second_process_in(folder):
    """When the lock file was deleted, the journal itself is still locked."""
    with open_replica(folder):
        (folder / "lock").unlink()
        with pytest.raises(StateError, match=r"journal-0 is in use by another process"):
            open_replica(folder)
    open_replica(folder).close()


def test_a_lock_that_was_replaced_is_taken_anew(folder, monkeypatch):
    """A lock file that is deleted between opening and locking is not the one that others see."""
    folder.mkdir()
    original = fcntl.flock
    deleted: list[None] = []

    def flock(handle, how):
        if not deleted:
            deleted.append((folder / "lock").unlink())
        original(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    first = FolderLock(folder)
    with pytest.raises(StateError, match="in use"):
        FolderLock(folder)
    first.release()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_told(folder, monkeypatch, number):
    """A folder on a read-only file system, or of somebody else, is refused by name."""
    folder.mkdir()
    original = os.open

    def refuse(path, flags, *rest):
        if flags & (os.O_CREAT | os.O_RDWR):
            raise OSError(number, os.strerror(number), str(path))
        return original(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StateError, match=f"cannot lock the state folder {folder}: {os.strerror(number)}"):
        Store(folder)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A state folder below a file is refused by name."""
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "state"):
        with pytest.raises(StateError, match=f"cannot make the folder {folder}"):
            Store(folder)


def test_rejects_of_every_kind_are_kept(folder):
    """What canisters and the replica reject is written and read back, and the replica goes on."""
    with open_replica(folder) as replica:
        rust, other = deploy(replica, "rust/rust", 1), deploy(replica, "rust/rust", 1)
        empty = create(replica)
        for refused in (
            lambda: rust.update("reject", "in its own words"),
            lambda: rust.update("trap", "trapped"),
            lambda: replica.execute_update(BOB, rust.id, "missing", b""),
            lambda: replica.execute_update(BOB, empty, "get", b""),
            lambda: management(replica, BOB).update("stop_canister", {"canister_id": rust.id}),
        ):
            with pytest.raises(RejectError):
                refused()
        for method, arg in (("reject", TEXT), ("missing", b"")):
            assert "Err" in other.update("forward", rust.id, method, arg, 0, None)
        wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
        envelope, _ = wire.call(rust.id, "reject", TEXT)
        before = replica.state_hash()
    with open_replica(folder) as replica:
        assert replica.state_hash() == before
        answer = replica.node.state.requests[envelope.request_id].answer
        assert (answer.code, answer.message, type(answer.error_code)) == (4, "no", int)


TEXT = b"DIDL\0\1\x71\2no"
"""The Candid of `("no")`."""


HANGING = """
  (func $answered (param i32) (call $call_self))
  (func (export "canister_update hang") (call $call_self))
"""
"""A method that is never answered: it calls its canister without end."""


def test_answers_to_callers_of_an_earlier_process_reach_no_other(folder):
    """A call that an earlier process left open is answered to none of the callers of this process."""
    with open_replica(folder) as replica:
        canister = restless(replica, HANGING)  # two calls
        with replica.held():
            replica.submit_update(BOB, canister, "hang", b"")
            replica.tick()
    with open_replica(folder) as replica:
        other = restless(replica, HANGING)
        with replica.held():
            pending = replica.submit_update(BOB, other, "hang", b"")  # the third call, as the one above was
            replica.tick()
        management(replica).update(
            "uninstall_code", {"canister_id": canister, "sender_canister_version": None}
        )
        with pytest.raises(ReplicaError, match="no answer from hang"):
            pending(0.0)


def test_calls_that_did_not_begin_end_with_their_process(folder, room):
    """What the Python API submitted and was refused at the end is not executed when the folder is opened again."""
    with open_replica(folder) as replica:
        rust = deploy(replica, "rust/rust", 0)
        room(1)
        with replica.held():
            for _ in range(3):
                rust.submit("add", 1)
            replica.tick()
    with open_replica(folder) as replica:
        assert not replica.canister(rust.id).queue
        assert Called(replica, rust.id, rust.service).update("add", 1) == 2
