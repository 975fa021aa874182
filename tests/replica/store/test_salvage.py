"""What is told of a damaged state folder, and what of it is written to a new one."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from ic_harness.errors import InputError, StateError
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.replica.store import FileBlobs, Store, examine_state, salvage_state
from tests.replica.store_support import Small, found, plant, tree
from tests.replica.support import Called, deploy, did

FOLDERS = Path(__file__).resolve().parents[3] / "fixtures" / "state"
JOURNAL = Path("journal-1")
FIRST = b"\1" * 10


pytestmark = pytest.mark.usefixtures("quick_disk")


def flip(files, name, position=-1):
    content = bytearray(files[name])
    content[position] ^= 4
    return {**files, name: bytes(content)}


def states(report):
    return {(finding.part, finding.state) for finding in report.findings}


def test_a_whole_folder(whole, folder, tmp_path):
    """Nothing is damaged; a salvage is a copy of everything."""
    files, views = whole
    plant(folder, files)
    report = examine_state(folder)
    assert report.whole
    assert report.lost == ()
    assert report.saved == "round 6: 3 canisters with 174 B of memory"
    assert states(report) == {
        (part, "whole") for part in ("committed 1", "journal 1", "checkpoint 1", "blobs")
    }
    assert tree(folder) == files
    salvage_state(folder, tmp_path / "new")
    assert found(tmp_path / "new") == views[-1]
    assert tree(folder) == files


def test_a_damaged_frame(whole, folder, tmp_path):
    """Everything before a damaged frame is saved; the damaged folder is not touched."""
    files, views = whole
    damaged = flip(files, JOURNAL)
    plant(folder, damaged)
    report = examine_state(folder)
    assert not report.whole
    details = " ".join(finding.detail for finding in report.findings)
    assert "frames 1 to 2 of 3 are whole" in details
    assert f"{folder / JOURNAL}: frame 3 at byte" in details
    assert report.lost == ("what was after frame 2 of journal 1",)
    assert salvage_state(folder, tmp_path / "new") == report
    assert found(tmp_path / "new") == views[-2]
    assert tree(folder) == damaged


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_journal_that_ends_early(whole, folder, tmp_path, cut):
    """Rounds that were acknowledged and are gone are told of, as many as there were."""
    files, views = whole
    plant(folder, {**files, JOURNAL: files[JOURNAL][:-cut]})
    report = salvage_state(folder, tmp_path / "new")
    assert not report.whole
    assert "3 frames up to byte" in " ".join(finding.detail for finding in report.findings)
    assert found(tmp_path / "new") == views[-2]


def test_a_torn_frame_is_no_damage(whole, folder):
    """What a killed process leaves is told of and is not called damage."""
    files, _ = whole
    plant(folder, {**files, JOURNAL: files[JOURNAL] + b"ICHF"})
    report = examine_state(folder)
    assert report.whole
    assert ("journal 1", "torn") in states(report)


@pytest.mark.parametrize("name", ["journal-1", "committed-1"])
def test_a_damaged_header_or_acknowledgement(whole, folder, tmp_path, name):
    """The frames are whole although what says so is not: everything is saved."""
    files, views = whole
    damaged = {**files, Path(name): b"?" * 20 + files[Path(name)][20:]}
    if name == "committed-1":
        damaged[Path(name)] = b"?"
    plant(folder, damaged)
    report = salvage_state(folder, tmp_path / "new")
    assert not report.whole
    assert found(tmp_path / "new") == views[-1]


def test_a_damaged_memory(whole, folder, tmp_path):
    """A canister whose memory is damaged is left out and named; the others are saved."""
    files, views = whole
    plant(folder, flip(files, Path(f"checkpoint-1/{FIRST.hex()}-heap")))
    report = salvage_state(folder, tmp_path / "new")
    assert len(report.lost) == 1
    assert "its memory or module is damaged" in report.lost[0]
    seed, _, images = found(tmp_path / "new")
    assert (seed, set(images)) == (views[-1][0], {b"\2" * 10, b"\3" * 10})
    assert all(images[canister] == views[-1][2][canister] for canister in images)


def test_a_damaged_snapshot(whole, folder, tmp_path):
    """A snapshot whose memory is damaged is left out; its canister is saved."""
    files, views = whole
    digest = FileBlobs(folder).put(b"\1" * 40)
    shutil.rmtree(folder)
    plant(folder, flip(files, Path("blobs") / digest.hex()))
    report = salvage_state(folder, tmp_path / "new")
    assert len(report.lost) == 1
    assert "its snapshot" in report.lost[0]
    store = Store(tmp_path / "new")
    assert store.state is not None
    assert [len(canister.snapshots) for canister in store.state.canisters.values()] == [0, 1, 1]
    assert Small(store).view()[2] == views[-1][2]
    store.release()


def test_damaged_records(whole, folder, tmp_path):
    """Without the records of its checkpoint nothing of a folder can be saved, and nothing is written."""
    files, _ = whole
    plant(folder, flip(files, Path("checkpoint-1/world")))
    report = examine_state(folder)
    assert (report.whole, report.saved) == (False, None)
    with pytest.raises(StateError, match=r"nothing of .* can be saved: .*world"):
        salvage_state(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_lost_seed(folder, tmp_path):
    """The first journal holds everything but the seed: the canisters are saved, under another root key."""
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())) as replica:
        canister = deploy(replica, "rust/rust", 3).id
        key = replica.root_key
    shutil.rmtree(folder / "checkpoint-0")
    report = salvage_state(folder, tmp_path / "new")
    assert report.lost == ("the seed: the network gets a new root key and new random numbers",)
    with Replica(ReplicaConfig(state_dir=tmp_path / "new", clock=ManualClock())) as replica:
        assert Called(replica, canister, did("rust/rust")).update("add", 1) == 4
        assert replica.root_key != key


def test_what_is_left_of_an_interrupted_checkpoint(whole, folder):
    """Files that the next start removes are told of and are no damage."""
    files, _ = whole
    plant(
        folder, {**files, Path("checkpoint-2.new"): None, Path("journal-2"): b"", Path("checkpoint-0"): None}
    )
    report = examine_state(folder)
    assert report.whole
    assert {("generation 2", "left over"), ("generation 0", "left over")} <= states(report)


@pytest.mark.parametrize("name", ["v1-journal", "v1-checkpoint"])
def test_folders_of_version_1(folder, tmp_path, name):
    """Folders of version 1 are examined and saved as well, up to the first damaged frame."""
    with tarfile.open(FOLDERS / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    assert examine_state(folder).whole
    journal = next(folder.glob("journal-*"))
    files = flip(tree(folder), journal.relative_to(folder))
    plant(folder, files)
    report = salvage_state(folder, tmp_path / "new")
    assert not report.whole
    assert tree(folder) == files
    store = Store(tmp_path / "new")
    store.release()
    assert store.state is not None
    assert store.state.round == 11


def test_other_files_are_copied(whole, folder, tmp_path):
    """Keys and known canisters of the command line go along, private; a note about a server does not."""
    files, _ = whole
    others = {Path("identity.pem"): b"key", Path("canisters.json"): b"{}", Path("server.json"): b"{}"}
    plant(folder, {**files, **others})
    (folder / "link").symlink_to("/etc/passwd")
    salvage_state(folder, tmp_path / "new")
    assert (tmp_path / "new" / "identity.pem").read_bytes() == b"key"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "blobs", "canisters.json", "checkpoint-0", "committed-0", "identity.pem", "journal-0",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "new").rglob("*"))


def test_nothing_is_overwritten(whole, folder, tmp_path):
    """A target with something in it, or inside of the folder, is refused; an empty one is taken."""
    files, views = whole
    plant(folder, files)
    (tmp_path / "file").write_bytes(b"mine")
    for target in (folder, tmp_path / "file", folder / "inside"):
        with pytest.raises(InputError):
            salvage_state(folder, target)
    (tmp_path / "empty").mkdir()
    salvage_state(folder, tmp_path / "empty")
    assert found(tmp_path / "empty") == views[-1]
    assert tree(folder) == files


def test_a_salvage_that_fails_leaves_nothing(whole, folder, tmp_path, monkeypatch):
    """A target that cannot be written is taken away again."""
    from ic_harness.replica.store import files as layer

    plant(folder, whole[0])

    def full(path, _parts):
        raise StateError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(layer, "write_new", full)
    with pytest.raises(StateError, match="No space left"):
        salvage_state(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_or_without_state(whole, folder, tmp_path):
    """A folder in use is not examined; one without state is whole; one that is not there is wrong input."""
    plant(folder, whole[0])
    store = Store(folder)
    with pytest.raises(StateError, match="in use by process"):
        examine_state(folder)
    store.release()
    with pytest.raises(InputError, match="there is no state folder"):
        examine_state(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    report = examine_state(tmp_path / "empty")
    assert (report.whole, report.saved) == (True, None)


def test_whatever_is_damaged_something_is_told(whole, folder, tmp_path):
    """Every file damaged, cut, emptied or deleted: the doctor says so, and saves without an error if at all."""
    files, _ = whole
    for name, content in files.items():
        if content is None or name in {Path("lock"), Path("committed-1")}:
            continue
        for harmed in (
            flip(files, name),
            flip(files, name, 0),
            {**files, name: content[:-1]},
            {**files, name: b""},
        ):
            plant(folder, harmed)
            assert not examine_state(folder).whole, name
            shutil.rmtree(tmp_path / "new", ignore_errors=True)
            if name == Path("checkpoint-1/world"):
                with pytest.raises(StateError, match="nothing of"):
                    salvage_state(folder, tmp_path / "new")
            else:
                salvage_state(folder, tmp_path / "new")
                found(tmp_path / "new")
