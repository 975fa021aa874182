"""Power cuts: a durable folder loses no answered round, whatever of the others was written."""

from __future__ import annotations

import os

import pytest

from ic_harness.errors import ReplicaError
from ic_harness.networks import embedded
from ic_harness.replica import Replica, ReplicaConfig
from tests.replica.support import Called, deploy, did, management, wasm

from .losing_disk import LosingDisk


def config(folder, *, durable):
    return ReplicaConfig(seed=b"d", state_dir=folder, durable=durable)


def counted(folder, canister):
    """The counter of a canister in a folder."""
    with Replica(config(folder, durable=True)) as replica:
        return Called(replica, canister, did("rust/rust")).query("get")


@pytest.mark.parametrize("journal", [1 << 30, 1])
def test_every_answered_round_survives_a_power_cut(folder, tmp_path, monkeypatch, journal):
    """After each answer the disk alone has all of it: calls, installed code, chunks, snapshots, checkpoints."""
    monkeypatch.setattr("ic_harness.replica.store.store.CHECKPOINT_BYTES", journal)
    disk = LosingDisk(folder, monkeypatch)
    with Replica(config(folder, durable=True)) as replica:
        rust = deploy(replica, "rust/rust", 0)
        for number in range(1, 5):
            rust.update("add", 1)
            found = disk.after_power_cut(tmp_path / f"cut{number}")
            assert counted(found, rust.id) == number
        admin = management(replica)
        admin.update("upload_chunk", {"canister_id": rust.id, "chunk": b"chunk"})
        taken = admin.update("take_canister_snapshot", {"canister_id": rust.id})["id"]
        rust.update("add", 10)
        found = disk.after_power_cut(tmp_path / "snapshot")
    with Replica(config(found, durable=True)) as replica:
        again = Called(replica, rust.id, did("rust/rust"))
        assert again.query("get") == 14
        admin = management(replica)
        assert len(admin.update("stored_chunks", {"canister_id": rust.id})) == 1
        admin.update("load_canister_snapshot", {"canister_id": rust.id, "snapshot_id": taken})
        assert again.query("get") == 4


def test_without_it_a_power_cut_loses_rounds(folder, tmp_path, monkeypatch):
    """The disk of the test does lose what was not forced to it."""
    disk = LosingDisk(folder, monkeypatch)
    with Replica(config(folder, durable=False)) as replica:
        rust = deploy(replica, "rust/rust", 0)
        rust.update("add", 1)
        found = disk.after_power_cut(tmp_path / "cut")
    with Replica(config(found, durable=False)) as replica:
        assert not replica.node.state.canisters


@pytest.mark.parametrize("tail", [b"\0" * 5000, os.urandom(300), b"ICHF" + b"\0" * 60])
def test_bytes_that_were_never_written_are_cut_off(folder, tail):
    """What a power cut leaves behind the last acknowledged frame was never answered; only a durable folder knows."""
    with Replica(config(folder, durable=True)) as replica:
        rust = deploy(replica, "rust/rust", 3)
        rust.update("add", 1)
    (journal,) = folder.glob("journal-*")
    with journal.open("ab") as file:
        file.write(tail)
    with pytest.raises(ReplicaError):
        Replica(config(folder, durable=False)).close()
    assert counted(folder, rust.id) == 4
    assert counted(folder, rust.id) == 4


def test_a_damaged_acknowledged_frame_is_no_power_cut(folder):
    """Damage before the acknowledged end is refused in a durable folder too."""
    with Replica(config(folder, durable=True)) as replica:
        deploy(replica, "rust/rust", 3)
    (journal,) = folder.glob("journal-*")
    content = bytearray(journal.read_bytes())
    content[-5] ^= 1
    journal.write_bytes(content)
    with pytest.raises(ReplicaError, match="is damaged"):
        Replica(config(folder, durable=True)).close()


def test_the_option_of_networks(tmp_path, monkeypatch):
    """`embedded(durable=True)` forces its rounds."""
    folder = tmp_path / "state"
    disk = LosingDisk(folder, monkeypatch)
    with embedded(folder, durable=True) as network:
        canister = network.deploy(wasm("rust/rust"), b"DIDL\0\1\x78" + bytes(8))
        found = disk.after_power_cut(tmp_path / "cut")
    with embedded(found, durable=True) as network:
        assert network.module_hash(canister)
