"""Processes that end, and disks that fail, before or within every single operation on files."""

from __future__ import annotations

import errno
import os
import re
import resource
import tarfile
from pathlib import Path

import pytest

from ic_harness.errors import StateError
from ic_harness.replica.store import Store, files
from ic_harness.replica.store import store as store_module
from tests.replica.store_support import Small, found, plant, tree

CHANGING = (
    "make_folder", "rename", "link", "remove", "create", "write", "write_at", "truncate", "sync", "sync_folder",
)  # fmt: skip
LEGACY = Path(__file__).resolve().parents[3] / "fixtures" / "state" / "v1-checkpoint.tar.gz"


class Killed(BaseException):
    """The process ended here."""


class Cut:
    """Counts operations that change files, and ends at number `last`, with that one undone or half done.

    After a kill no operation does anything any more, so clearing up cannot hide what a killed process leaves.
    """

    def __init__(self, patch, last, *, half=False, error=None):
        self.count, self.last, self.half, self.error = 0, last, half, error
        self.originals = {name: getattr(files, name) for name in CHANGING}
        for name in CHANGING:
            patch.setattr(files, name, lambda *args, name=name, **rest: self.act(name, *args, **rest))

    def act(self, name, *args, **rest):
        self.count += 1
        if self.last is None or self.count < self.last or (self.error and self.count > self.last):
            return self.originals[name](*args, **rest)
        if self.count == self.last and self.half:
            self.begin(name, args)
        if self.error:
            raise StateError(f"cannot do {name}: {os.strerror(self.error)}")
        raise Killed(name)

    def begin(self, name, args):
        """Do a part of an operation that takes several steps."""
        if name == "write":
            handle, buffers, path = args
            whole = b"".join(buffers)
            self.originals["write"](handle, [whole[: len(whole) // 2]], path)
        if name == "remove" and args[0].is_dir() and not args[0].is_symlink():
            for path in sorted(args[0].iterdir())[::2]:
                path.unlink()


def cuts(act, prepare, check, *, half=False, error=None):
    """Run `act` on what `prepare` makes, cut at its first, second … operation until none is left; give how many."""
    last = 0
    while True:
        last += 1
        prepared = prepare()
        with pytest.MonkeyPatch.context() as patch:
            cut = Cut(patch, last, half=half, error=error)
            try:
                act(prepared)
            except (Killed, StateError):
                assert cut.count >= last
        if cut.count < last:
            return last - 1
        check(prepared)


pytestmark = pytest.mark.usefixtures("quick_disk")


def opened(folder, whole):
    def prepare():
        plant(folder, whole[0])
        return Small(Store(folder))

    return prepare


WAYS = pytest.mark.parametrize(
    "way", [{}, {"half": True}, {"error": errno.ENOSPC}, {"error": errno.EIO, "half": True}], ids=str
)


@WAYS
def test_a_cut_checkpoint_loses_nothing(whole, folder, way):
    """Cut anywhere, a checkpoint leaves the old generation or the new one; opening the folder tidies up."""

    def check(small):
        small.store.release()
        for _ in range(2):
            assert found(folder) == whole[1][-1]
        assert len(list(folder.iterdir())) == 5

    assert cuts(Small.checkpoint, opened(folder, whole), check, **way) > 15


@WAYS
def test_a_cut_round_is_there_or_not(whole, folder, way):
    """Cut anywhere, a round is kept as a whole or not at all; what was acknowledged before is there."""

    def act(small):
        small.change(b"\1" * 10, 2, b"new")

    def check(small):
        new = small.view()
        if "error" in way:
            with pytest.raises(StateError, match="no round can be kept after a failure"):
                small.round()
        small.store.release()
        view = found(folder)
        assert view in (whole[1][-1], new)
        assert found(folder) == view

    assert cuts(act, opened(folder, whole), check, **way) == 2


@WAYS
def test_a_cut_round_with_a_checkpoint_is_there_or_not(whole, folder, way, monkeypatch):
    """The same where the round makes the journal long enough for a checkpoint."""
    monkeypatch.setattr(store_module, "CHECKPOINT_BYTES", 0)

    def act(small):
        small.store._memory_bytes = 0
        small.install(7)

    def check(small):
        small.store.release()
        assert found(folder) in (whole[1][-1], small.view())

    assert cuts(act, opened(folder, whole), check, **way) > 20


@WAYS
def test_a_cut_beginning_can_be_repeated(folder, way):
    """Cut anywhere, the making of a new folder leaves one that can be made or is made."""

    def prepare():
        plant(folder, {})

    def act(_):
        Store(folder, b"seed").release()

    def check(_):
        store = Store(folder, b"seed")
        store.release()
        assert (store.state, store.seed) == (None, b"seed")
        assert found(folder)[0] == b"seed"

    assert cuts(act, prepare, check, **way) > 8


@WAYS
def test_a_cut_migration_can_be_repeated(folder, way, tmp_path):
    """Cut anywhere, bringing version 1 forward leaves version 1 or the present one whole."""
    with tarfile.open(LEGACY) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old = tree(tmp_path / "old")
    plant(folder, old)
    view = found(folder)

    def check(_):
        for _ in range(2):
            assert found(folder) == view

    assert cuts(lambda _: Store(folder).release(), lambda: plant(folder, old), check, **way) > 20


def test_a_cut_recovery_can_be_repeated(whole, folder):
    """Opening a folder that a cut checkpoint left may itself be cut anywhere."""
    left = []

    def keep(small):
        small.store.release()
        left.append(tree(folder))

    cuts(Small.checkpoint, opened(folder, whole), keep)
    for files_ in left:
        cuts(
            lambda _: Store(folder).release(),
            lambda files_=files_: plant(folder, files_),
            lambda _: found(folder) == whole[1][-1] or pytest.fail("a round was lost"),
        )


def test_a_checkpoint_that_failed_leaves_a_usable_store(whole, folder, monkeypatch):
    """After a checkpoint by itself failed, rounds go on in the old journal, and the next checkpoint works."""
    small = opened(folder, whole)()
    with monkeypatch.context() as patch:
        Cut(patch, 5, error=errno.ENOSPC)
        with pytest.raises(StateError, match="No space left"):
            small.checkpoint()
    small.change(b"\1" * 10, 2, b"new")
    small.checkpoint()
    small.change(b"\1" * 10, 3, b"newer")
    small.store.release()
    assert found(folder) == small.view()


def test_without_hard_links_memories_are_copied(whole, folder, monkeypatch):
    """On a file system without hard links a checkpoint copies the memories that did not change."""
    small = opened(folder, whole)()
    monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    small.checkpoint()
    small.store.release()
    assert found(folder) == whole[1][-1]


@pytest.mark.parametrize("room", [0, 1, 31, 32, 60, 200])
def test_a_disk_that_takes_a_part_of_a_frame(whole, folder, room):
    """The operating system writes some bytes of a frame and then refuses: the frame is cut off again."""
    small = opened(folder, whole)()
    size = (folder / "journal-1").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
    try:
        with pytest.raises(StateError, match=f"cannot write {folder}/journal-1: File too large"):
            small.change(b"\1" * 10, 0, b"x" * 40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / "journal-1").stat().st_size == size
    small.store.release()
    assert found(folder) == whole[1][-1]


def test_an_interrupt_within_a_frame_poisons_nothing(whole, folder, monkeypatch):
    """A keyboard interrupt in the middle of a write leaves no half frame for the next one to follow."""
    small = opened(folder, whole)()
    with monkeypatch.context() as patch:
        cut = Cut(patch, None)

        def interrupted(handle, buffers, path):
            cut.begin("write", (handle, buffers, path))
            raise KeyboardInterrupt

        patch.setattr(files, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small.change(b"\1" * 10, 2, b"new")
    with pytest.raises(StateError, match="no round can be kept after a failure: KeyboardInterrupt"):
        small.round()
    small.store.release()
    assert found(folder) == whole[1][-1]


def test_all_changes_go_through_the_file_layer():
    """No other module of the store changes files, so the cuts above are all that there are."""
    room = Path(files.__file__).parent
    changing = re.compile(
        r"\b(?:os\.(?:p?writev?|rename|replace|unlink|remove|mkdir|open|f?truncate|link)|shutil\.\w+)\("
        r"|(?<!files)\.(?:unlink|rename|mkdir|write_bytes|write_text|rmdir|touch|symlink_to|hardlink_to)\("
    )
    calls = {path.name: changing.findall(path.read_text()) for path in room.glob("*.py")}
    assert calls.pop("files.py")
    assert calls.pop("lock.py")
    assert {name: found for name, found in calls.items() if found} == {}
