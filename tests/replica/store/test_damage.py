"""Damaged state folders: an error that names the file, or exactly what was acknowledged; nothing in between."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from pathlib import Path

import pytest

from ic_harness.errors import StateError
from ic_harness.replica.store import Store
from ic_harness.replica.store.journal import HEAD_SIZE, HEADER_SIZE
from tests.amounts import amount
from tests.replica.store_support import Small, fill, found, plant, refusal, tree

JOURNAL, COMMITTED = Path("journal-1"), Path("committed-1")
SWEPT = Path("lock")


pytestmark = pytest.mark.usefixtures("quick_disk")


def assert_refused(folder, name):
    """The folder is refused with an error that names the file (or what is missing beside it) and an advice."""
    with pytest.raises(StateError) as caught:
        found(folder)
    assert str(folder / name) in str(caught.value)
    assert f"ic-harness doctor --state-dir {folder}" in str(caught.value)


def frame_ends(journal):
    """The offsets at which frames end, found by the lengths in their heads."""
    ends = [HEADER_SIZE]
    while ends[-1] < len(journal):
        head = journal[ends[-1] :]
        record, content = int.from_bytes(head[12:16], "little"), int.from_bytes(head[16:24], "little")
        ends.append(ends[-1] + HEAD_SIZE + record + content)
    return ends


def test_what_is_whole_is_found(whole, folder):
    """The folder without any damage holds what was acknowledged last."""
    files, views = whole
    plant(folder, files)
    assert found(folder) == views[-1]
    assert len(frame_ends(files[JOURNAL])) == len(views)


def test_every_flipped_byte_is_told(whole, folder):
    """A changed byte in any file is an error that names this file, and the refused folder stays as it is."""
    files, _ = whole
    plant(folder, files)
    for name, content in files.items():
        if content is None or name in {SWEPT, COMMITTED}:
            continue
        for position in range(len(content)):
            damaged = bytearray(content)
            damaged[position] ^= 1 << position % 8
            (folder / name).write_bytes(damaged)
            assert str(folder / name) in str(refusal(folder)), position
        (folder / name).write_bytes(content)
    assert {**tree(folder), SWEPT: b""} == {**files, SWEPT: b""}


def test_every_flipped_byte_of_an_acknowledgement_is_repaired(whole, folder):
    """`committed` says the same twice, so one damaged slot loses nothing, and the next opening mends it."""
    files, views = whole
    plant(folder, files)
    for position in range(len(files[COMMITTED])):
        damaged = bytearray(files[COMMITTED])
        damaged[position] ^= 1 << position % 8
        (folder / COMMITTED).write_bytes(damaged)
        assert found(folder) == views[-1]


def test_a_damaged_slot_is_noted_and_written_again(whole, folder):
    """After one slot of `committed` was damaged the next opening finds both whole."""
    files, _ = whole
    plant(folder, {**files, COMMITTED: files[COMMITTED][:-1] + b"?"})
    for notes in (1, 0):
        store = Store(folder)
        assert len(store.notes) == notes
        small = Small(store)
        small.change(b"\1" * 10, 1, b"again")
        small.change(b"\1" * 10, 1, b"and again")
        store.release()


def test_every_truncation_is_told(whole, folder):
    """A file that was cut, at the end of a frame or anywhere within one, is an error that names it."""
    files, _ = whole
    plant(folder, files)
    for name, content in files.items():
        if content is None or name == SWEPT:
            continue
        ends = {end + more for end in frame_ends(files[JOURNAL]) for more in range(-HEAD_SIZE, HEAD_SIZE + 1)}
        lengths = {*range(0, len(content), 5), *(ends if name == JOURNAL else ())}
        for length in sorted(length for length in lengths if length < len(content)):
            (folder / name).write_bytes(content[:length])
            assert str(folder / name) in str(refusal(folder)), length
        (folder / name).write_bytes(content)


def test_only_an_unanswered_torn_frame_is_cut(whole, folder):
    """A process killed while it appends leaves a prefix of a frame: it goes, what was acknowledged stays."""
    files, views = whole
    *_, before, end = frame_ends(files[JOURNAL])
    plant(folder, files)
    store = Store(folder)
    Small(store).change(b"\2" * 10, 0, b"the next round")
    store.release()
    longer, acknowledged = (folder / JOURNAL).read_bytes(), (folder / COMMITTED).read_bytes()
    assert before < end < len(longer)
    plant(folder, files)
    for length in {*range(end, len(longer), 7), *range(end, end + HEAD_SIZE + 2), len(longer) - 1}:
        (folder / JOURNAL).write_bytes(longer[:length])
        (folder / COMMITTED).write_bytes(files[COMMITTED])
        store = Store(folder)
        assert Small(store).view() == views[-1]
        assert len(store.notes) == (length > end)
        assert all("torn" in note and str(folder / JOURNAL) in note for note in store.notes)
        Small(store).change(b"\2" * 10, 0, b"the next round")
        store.release()
        assert (folder / JOURNAL).read_bytes() == longer
        assert (folder / COMMITTED).read_bytes() == acknowledged


def test_a_whole_frame_without_acknowledgement_is_kept(whole, folder):
    """A process killed between journal and acknowledgement leaves a whole frame: its round did happen."""
    files, _ = whole
    plant(folder, files)
    store = Store(folder)
    small = Small(store)
    small.change(b"\2" * 10, 0, b"the next round")
    store.release()
    plant(folder, {**files, JOURNAL: (folder / JOURNAL).read_bytes()})
    for _ in range(2):
        assert found(folder) == small.views[-1]
    assert (folder / COMMITTED).read_bytes() != files[COMMITTED]


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 4096, b"ICHF", b"junk" * 100, b"ICHF" + bytes(100)])
def test_garbage_behind_the_journal_is_told(whole, folder, tail):
    """What is appended is an error, or cut off where a killed process could have left it."""
    files, views = whole
    plant(folder, {**files, JOURNAL: files[JOURNAL] + tail})
    if tail == b"ICHF":
        assert found(folder) == views[-1]
    else:
        assert_refused(folder, JOURNAL)


def test_garbage_behind_other_files_is_told(whole, folder):
    """A file that became longer is an error."""
    files, _ = whole
    for name, content in files.items():
        if content is not None and name not in {SWEPT, JOURNAL}:
            plant(folder, {**files, name: content + b"\0"})
            assert_refused(folder, name)


def test_a_giant_file_is_told_at_once(whole, folder):
    """A file that claims a terabyte is refused by its length; it is not read into memory."""
    files, _ = whole
    for name, content in files.items():
        if content is not None and name.parts[0] in {"checkpoint-1", "committed-1"}:
            plant(folder, files)
            os.truncate(folder / name, 1 << 40)
            assert_refused(folder, name)


def test_every_deleted_file_is_told(whole, folder):
    """A file or folder that is not there is an error that names it; the lock is made anew."""
    files, _ = whole
    for name in files:
        left = {other: content for other, content in files.items() if name not in {other, *other.parents}}
        plant(folder, left)
        if name != SWEPT:
            assert_refused(folder, name)


@pytest.mark.parametrize("kept", ["journal-1", "committed-1", "blobs", "checkpoint-1"])
def test_what_is_left_of_a_folder_is_no_new_folder(whole, folder, kept):
    """A folder of which one part is left is refused, never begun anew with another root key."""
    files, _ = whole
    plant(folder, {name: content for name, content in files.items() if name.parts[0] == kept})
    with pytest.raises(StateError, match=r"is damaged: the file is missing"):
        found(folder)


def test_a_new_folder_that_lost_its_checkpoint_is_told(folder):
    """A folder without any round has a root key already: it is not begun anew when its checkpoint is gone."""
    Store(folder).release()
    shutil.rmtree(folder / "checkpoint-0")
    assert_refused(folder, "checkpoint-0")


def test_empty_files_are_told(whole, folder):
    """A file of no bytes is an error that names it."""
    files, _ = whole
    for name, content in files.items():
        if content is not None and name != SWEPT:
            plant(folder, {**files, name: b""})
            assert_refused(folder, name)


@pytest.mark.parametrize("kind", ["folder", "link", "dangling", "loop", "pipe"])
def test_what_is_no_file_is_told(whole, folder, kind, tmp_path):
    """A folder, symbolic link or pipe in place of a file is an error that names it; a link is not followed."""
    files, _ = whole
    elsewhere = tmp_path / "elsewhere"
    for name, content in files.items():
        if content is None:
            continue
        plant(folder, {other: kept for other, kept in files.items() if other != name})
        path = folder / name
        elsewhere.write_bytes(content)
        match kind:
            case "folder":
                path.mkdir()
            case "link":
                path.symlink_to(elsewhere)
            case "dangling":
                path.symlink_to(tmp_path / "nothing")
            case "loop":
                path.symlink_to(path)
            case "pipe":
                os.mkfifo(path)
        assert_refused(folder, name)
        assert elsewhere.read_bytes() == content


@pytest.mark.parametrize("name", ["blobs", "checkpoint-1"])
def test_linked_folders_are_told(whole, folder, name, tmp_path):
    """A symbolic link in place of a folder is an error, and nothing behind it is deleted."""
    files, _ = whole
    plant(folder, files)
    elsewhere = tmp_path / "elsewhere"
    (folder / name).rename(elsewhere)
    (elsewhere / "of somebody").write_bytes(b"precious")
    (folder / name).symlink_to(elsewhere)
    assert_refused(folder, name)
    assert (elsewhere / "of somebody").exists()


def test_frames_in_another_order_are_told(whole, folder):
    """Frames that are doubled, left out, or have changed places are an error."""
    files, _ = whole
    journal = files[JOURNAL]
    ends = frame_ends(journal)
    frames = [journal[start:end] for start, end in itertools.pairwise(ends)]
    for order in (
        [0, 0, 1, 2],
        [0, 1, 1, 2],
        [0, 2],
        [1, 2],
        [1, 0, 2],
        [0, 2, 1],
        [0, 1, 2, 2],
        [0, 1, 2, 0],
    ):
        moved = journal[:HEADER_SIZE] + b"".join(frames[index] for index in order)
        plant(folder, {**files, JOURNAL: moved})
        assert_refused(folder, JOURNAL)


def test_files_of_another_folder_are_told(whole, folder, tmp_path):
    """A file from another folder is an error, also of one with the same seed and the same history."""
    files, views = whole
    fill(tmp_path / "other")
    other = tree(tmp_path / "other")
    assert set(other) == set(files)
    for name, content in other.items():
        if content is None or content == files[name]:
            continue
        plant(folder, {**files, name: content})
        if name == SWEPT:
            assert found(folder) == views[-1]
        else:
            with pytest.raises(StateError, match="is damaged"):
                found(folder)


def test_files_of_another_generation_are_told(whole, folder, tmp_path):
    """A file of the next or the last checkpoint, under the present name, is an error."""
    files, views = whole
    plant(tmp_path / "next", files)
    store = Store(tmp_path / "next")
    small = Small(store)
    small.change(b"\1" * 10, 1, b"later")
    small.checkpoint()
    small.change(b"\1" * 10, 1, b"still later")
    store.release()
    later = tree(tmp_path / "next")
    for name, content in later.items():
        here = Path(str(name).replace("-2", "-1"))
        if content is None or here == name or files.get(here) == content:
            continue
        plant(folder, {**files, here: content})
        if here not in files:  # the memory of a canister that was not there yet
            assert found(folder) == views[-1]
            continue
        with pytest.raises(StateError, match="is damaged"):
            found(folder)
        plant(folder, {**later, name: files[here]})
        with pytest.raises(StateError, match="is damaged"):
            found(folder)


def test_an_earlier_copy_of_one_file_is_told(whole, folder):
    """A journal, or what was acknowledged, put back from a copy that was made before is an error."""
    files, _ = whole
    plant(folder, files)
    store = Store(folder)
    small = Small(store)
    for number in range(3):
        small.change(b"\1" * 10, number, b"later")
    store.release()
    later = tree(folder)
    for name in (JOURNAL, COMMITTED):
        plant(folder, {**later, name: files[name]})
        with pytest.raises(StateError, match="is damaged"):
            found(folder)


# --- at random ----------------------------------------------------------------------------------------------


def _bits(rng, files, name):
    content = bytearray(files[name])
    for _ in range(rng.randint(1, 3)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return {name: bytes(content)}


def _block(rng, files, name):
    content = bytearray(files[name])
    start = rng.randrange(len(content))
    end = min(len(content), start + rng.choice([1, 16, 512, 4096]))
    content[start:end] = bytes(end - start) if rng.random() < 0.5 else rng.randbytes(end - start)
    return {name: bytes(content)}


def _cut(rng, files, name):
    return {name: files[name][: rng.randrange(len(files[name]))]}


def _longer(rng, files, name):
    start = rng.randrange(len(files[name]))
    return {name: files[name] + files[name][start : start + rng.randint(1, 5000)]}


def _shifted(rng, files, name):
    at = rng.randrange(len(files[name]))
    inside = files[name][at + 1 :] if rng.random() < 0.5 else rng.randbytes(1) + files[name][at:]
    return {name: files[name][:at] + inside}


def _gone(_rng, _files, name):
    return {name: ...}


def _swapped(rng, files, name):
    other = rng.choice([path for path, content in files.items() if content is not None])
    return {name: files[other], other: files[name]}


HARMS = [_bits, _block, _cut, _longer, _shifted, _gone, _swapped]


def damage_at_random(folder, files, view, times, seed):
    """Damage a folder `times` times; gives how often it was refused and how often nothing was lost."""
    rng = random.Random(seed)
    names = [name for name, content in files.items() if content]
    refused = 0
    for _ in range(times):
        harm, name = rng.choice(HARMS), rng.choice(names)
        changed = harm(rng, files, name)
        left = {path: content for path, content in {**files, **changed}.items() if content is not ...}
        plant(folder, left)
        why = refusal(folder)
        if why is None:
            assert found(folder) == view, (harm, name)
        else:
            assert str(folder) in why
            refused += 1
    return refused, times - refused


def test_damage_at_random(whole, folder):
    """Whatever happens to one file or two, nothing is lost in silence."""
    files, views = whole
    refused, kept = damage_at_random(folder, files, views[-1], 300, seed=1)
    assert refused > kept


@pytest.mark.slow
def test_thousands_of_damaged_folders(tmp_path):
    """The same on larger folders, with memories of several blocks and a journal of many frames."""
    views = fill(tmp_path / "large", size=70_000)
    store = Store(tmp_path / "large")
    small = Small(store)
    for number in range(30):
        small.change(b"\1" * 10, 1000 * number, os.urandom(2000))
    store.release()
    views = small.views
    refused, kept = damage_at_random(
        tmp_path / "state", tree(tmp_path / "large"), views[-1], amount(1500, thorough=5000), seed=2
    )
    assert refused > kept > 0
