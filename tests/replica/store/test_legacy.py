"""State folders of version 1, as the program of that time wrote them (`fixtures/state`), are brought forward.

The canister in them counts calls of `add` in its heap, stable memory and a global. Each folder has two of them,
called three times, one by a signed request; a snapshot, a chunk, log lines and the status of the request.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from ic_harness.errors import StateError
from ic_harness.principal import Principal
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.replica.store import Store
from tests.replica.store_support import found, plant, refusal, tree
from tests.replica.support import ALICE, management

FOLDERS = Path(__file__).resolve().parents[3] / "fixtures" / "state"
IDS = [Principal.from_text(text) for text in ("rwlgt-iiaaa-aaaaa-aaaaa-cai", "rrkah-fqaaa-aaaaa-aaaaq-cai")]
EMPTY = b"DIDL\0\0"


def unpack(folder, name):
    with tarfile.open(FOLDERS / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return tree(folder)


def round_of(folder):
    store = Store(folder)
    store.release()
    assert store.state is not None
    return store.state.round


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """These tests damage files and end processes, they cut no power: nothing need reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.mark.parametrize("name", ["v1-journal", "v1-checkpoint"])
def test_a_folder_of_version_1_is_brought_forward(folder, name):
    """Root key, memories, snapshots, chunks and answers are there, in files of the present version only."""
    files = unpack(folder, name)
    keys = []
    for calls in range(3):
        with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())) as replica:
            keys.append(replica.root_key)
            counts = [replica.execute_query(ALICE, canister, "get", EMPTY)[7:] for canister in IDS]
            assert [int.from_bytes(count, "little") for count in counts] == [3 + calls, 3]
            replica.execute_update(ALICE, IDS[0], "add", EMPTY)
            admin = management(replica)
            (snapshot,) = admin.update("list_canister_snapshots", {"canister_id": IDS[0]})
            assert len(admin.update("stored_chunks", {"canister_id": IDS[1]})) == 1
            assert len(replica.node.state.requests) == 1
            assert len(replica.logs(IDS[0])) == 4 + calls
    assert len(set(keys)) == 1
    assert not (folder / "seed").exists()
    assert {path.name for path in files if path.parts[0] == "blobs"} == {
        path.name for path in folder.rglob("*") if path.relative_to(folder).parts[0] == "blobs"
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*") if path.is_file())
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())) as replica:
        call = {"canister_id": IDS[0], "snapshot_id": snapshot["id"]}
        management(replica).update("load_canister_snapshot", call)
        assert replica.execute_query(ALICE, IDS[0], "get", EMPTY)[7:] == b"\1\0\0\0"


@pytest.mark.parametrize("name", ["v1-journal", "v1-checkpoint"])
def test_flipped_bytes_of_journal_and_records_are_told(folder, name):
    """What version 1 could see, a damaged length included, is an error that names the file."""
    files = unpack(folder, name)
    for path, content in files.items():
        if content is None or path.parts[0] in {"seed", "lock"} or path.name.endswith(("-heap", "-stable")):
            continue
        heads = (
            {at + byte for at in _heads(content) for byte in range(20)} if path.parent == Path() else set()
        )
        for position in sorted({*range(0, len(content), 6007), len(content) - 1, *heads}):
            damaged = bytearray(content)
            damaged[position] ^= 1 << position % 8
            plant(folder, {**files, path: bytes(damaged)})
            why = refusal(folder)
            # A flipped bit in a value of a checkpoint's world is the one thing that version 1 could not see.
            assert str(folder / path) in str(why) or (why is None and path.name == "world")


def _heads(journal):
    at = 0
    while at < len(journal):
        yield at
        record, content = int.from_bytes(journal[at + 4 : at + 8], "little"), journal[at + 8 : at + 16]
        at += 20 + record + int.from_bytes(content, "little")


@pytest.mark.parametrize("name", ["v1-journal", "v1-checkpoint"])
def test_deleted_files_are_told(folder, name):
    """A missing seed, journal, record, memory or blob of version 1 is an error that names a file."""
    files = unpack(folder, name)
    for gone, content in files.items():
        if content is not None and gone.name != "lock":
            plant(folder, {path: kept for path, kept in files.items() if path != gone})
            with pytest.raises(StateError, match=r"is damaged: the file is missing"):
                found(folder)


def test_a_torn_frame_of_version_1_is_cut(folder):
    """A prefix of a frame at the end is left out, and noted."""
    files = unpack(folder, "v1-journal")
    journal = files[Path("journal-0")]
    *_, last = _heads(journal)
    for length in (last + 1, last + 19, last + 20, last + 500, len(journal) - 1):
        plant(folder, {**files, Path("journal-0"): journal[:length]})
        store = Store(folder)
        store.release()
        assert any("is torn" in note for note in store.notes)
        assert store.state is not None
        assert store.state.round == 11
        assert round_of(folder) == 11


def test_a_checkpoint_of_version_1_without_its_journal_yet(folder):
    """Killed between a checkpoint and its journal, version 1 left both generations: the new one is whole."""
    files = unpack(folder, "v1-checkpoint")
    left = {path: content for path, content in files.items() if path != Path("journal-1")}
    plant(folder, {**left, Path("journal-0"): b""})
    assert round_of(folder) == 9


def test_an_empty_folder_of_version_1_keeps_its_seed(folder):
    """A folder in which no round was kept has a root key all the same."""
    plant(folder, {Path("journal-0"): b"", Path("seed"): b"s" * 20})
    store = Store(folder)
    assert (store.seed, store.state) == (b"s" * 20, None)
    store.release()
    assert found(folder)[0] == b"s" * 20
