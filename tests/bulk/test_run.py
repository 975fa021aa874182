"""Runs on the embedded network: what is stored, what fails, what a second run does."""

from __future__ import annotations

import hashlib
import os

import pytest

from ic_capsule.bulk import FailureClass, Stage, State
from ic_capsule.uploads import sample_photo
from ic_harness.errors import ImageError, InputError

from .support import WHOLE, assets, originals, write_photos


def test_every_photo_becomes_a_memory_of_four_assets(world):
    """Uploaded, processed, once each; the ledger knows the memory of each file."""
    write_photos(world.folder / "photos", 6)
    stats = world.run()
    found = world.memories()
    assert (stats.count(Stage.UPLOAD, State.DONE), stats.count(Stage.PROCESS, State.DONE)) == (6, 6)
    assert [assets(memory) for memory in found] == [WHOLE] * 6
    assert {memory.id for memory in found} == {file.memory_id for file in world.ledger.every_file()}
    assert stats.bytes_sent == stats.bytes_total


def test_a_second_run_sends_nothing(world):
    """Everything is done: no call that changes anything is made."""
    write_photos(world.folder / "photos", 3)
    world.run()
    before = world.memories()
    stats = world.run()
    assert world.memories() == before
    assert stats.bytes_sent == stats.bytes_total


def test_a_lost_ledger_stores_nothing_twice(world):
    """Keys follow from the content: another ledger finds sessions, blobs and memories that are there."""
    from ic_capsule.bulk import Ledger

    write_photos(world.folder / "photos", 3)
    world.run()
    world.ledger.close()
    (world.folder / "bulk.sqlite").unlink()
    world.ledger = Ledger.open(world.folder / "bulk.sqlite", create=True)
    world.run()
    assert set(originals(world.memories()).values()) == {1}


def test_other_kinds_are_memories_of_their_kind(world):
    """A note is kept inline by one call, a video as a blob in chunks; neither is processed."""
    photos = world.folder / "photos"
    photos.mkdir()
    (photos / "note.txt").write_text("a note")
    (photos / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(2_000_000))
    stats = world.run()
    kinds = {memory.metadata.memory_type.value: assets(memory) for memory in world.memories()}
    assert kinds == {"Note": ["Original"], "Video": ["Original"]}
    assert stats.count(Stage.PROCESS, State.SKIPPED) == 2


def test_a_damaged_photo_is_kept_and_named(world):
    """A truncated JPEG is uploaded; that it cannot be processed is a dead letter of its own."""
    photos = world.folder / "photos"
    write_photos(photos, 1)
    (photos / "cut.jpg").write_bytes(sample_photo()[:40_000])
    stats = world.run()
    (letter,) = world.ledger.dead_letters()
    assert (letter.name, letter.stage, letter.cls) == ("cut.jpg", Stage.PROCESS, FailureClass.INVALID)
    assert stats.count(Stage.UPLOAD, State.DONE) == 2


@pytest.mark.parametrize("change", ["changed", "removed"])
def test_a_file_that_is_not_what_was_added(world, change):
    """Changed or removed between adding and sending: invalid, and nothing of it is stored."""
    from ic_capsule.bulk import add_paths

    write_photos(world.folder / "photos", 2)
    add_paths(world.ledger, [world.folder / "photos"])
    victim = world.folder / "photos" / "photo00000.jpg"
    victim.unlink()
    if change == "changed":
        victim.write_bytes(sample_photo() + b"other")
        os.utime(victim, ns=(5, 5))
    # Not `world.run`, which would add it anew.
    from ic_capsule.bulk import UNPACED, Options, run_bulk

    run_bulk(
        world.ledger,
        world.network,
        world.identity,
        world.canister,
        Options(until=Stage.PROCESS, limits=UNPACED),
    )
    (letter,) = world.ledger.dead_letters()
    assert (letter.cls, letter.stage) == (FailureClass.INVALID, Stage.UPLOAD)
    assert len(world.memories()) == 1


def test_a_copy_takes_the_place_of_a_removed_file(world):
    """Bytes that are still there under another name are stored."""
    from ic_capsule.bulk import UNPACED, Options, add_paths, run_bulk

    photos = world.folder / "photos"
    write_photos(photos, 1)
    (photos / "copy.jpg").write_bytes((photos / "photo00000.jpg").read_bytes())
    add_paths(world.ledger, [photos])
    first = next(file for file in world.ledger.every_file() if file.duplicate_of is None)
    (photos / first.name).unlink()
    run_bulk(
        world.ledger,
        world.network,
        world.identity,
        world.canister,
        Options(until=Stage.PROCESS, limits=UNPACED),
    )
    assert world.ledger.dead_letters() == []
    assert [assets(memory) for memory in world.memories()] == [WHOLE]


def test_a_mended_file_is_retried(world):
    """A dead letter that was no image is looked at again; what is a photo by now is stored."""
    photos = world.folder / "photos"
    write_photos(photos, 1)
    (photos / "later.jpg").write_bytes(b"not yet")
    assert world.run().dead == {FailureClass.INVALID: 1}
    (photos / "later.jpg").write_bytes(sample_photo() + b"now")
    assert world.ledger.retry() == 1
    assert world.run().dead == {}
    assert len(world.memories()) == 2


@pytest.mark.parametrize("harm", ["drop_request", "drop_reply", "429", "503", "duplicate"])
def test_harmed_calls_cost_no_file(world, harm):
    """Single calls that are lost, refused or doubled are made again; everything is stored once."""
    write_photos(world.folder / "photos", 3)
    for number in range(8):
        world.network.inject_fault(harm, after=5 * number)
    stats = world.run()
    assert stats.dead == {}
    assert set(originals(world.memories()).values()) == {1}
    assert stats.count(Stage.PROCESS, State.DONE) == 3


def test_a_cut_network_pauses_the_run(world, monkeypatch):
    """Nothing gets through until the run has noticed: it waits and spends no tries."""
    write_photos(world.folder / "photos", 3)
    noted = world.ledger.event

    def mend_when_paused(kind, *arguments, **data):
        noted(kind, *arguments, **data)
        if kind == "paused":
            world.network.clear_faults()

    # A fixed number of lost requests could be used up by the lanes before the first probe.
    monkeypatch.setattr(world.ledger, "event", mend_when_paused)
    world.network.inject_fault("drop_request", endpoint=None, after=12, times=1_000_000)
    assert world.run().dead == {}
    kinds = [event.type for event in world.ledger.events()]
    assert "paused" in kinds
    assert "resumed" in kinds
    assert world.ledger.rows("SELECT * FROM attempt") == []


def test_an_upgrade_in_the_middle(world):
    """Sessions survive an upgrade of the backend; the run does not notice."""
    from ic_capsule.backend import reference_wasm

    write_photos(world.folder / "photos", 2)
    world.run()
    world.network.install(world.canister, reference_wasm(), mode="upgrade")
    write_photos(world.folder / "photos", 2, start=10)
    assert world.run().count(Stage.PROCESS, State.DONE) == 4


def test_whole_makes_four_assets_at_once(world):
    """The photo, its memory and the derivatives in one go; nothing is left to process."""
    write_photos(world.folder / "photos", 2)
    stats = world.run(whole=True)
    assert stats.count(Stage.PROCESS, State.DONE) == 2
    assert [assets(memory) for memory in world.memories()] == [WHOLE] * 2


def test_a_run_may_stop_after_a_stage(world):
    """`until` leaves later stages ready; another run does them."""
    write_photos(world.folder / "photos", 2)
    assert world.run(until=Stage.UPLOAD).count(Stage.PROCESS, State.READY) == 2
    assert world.run().count(Stage.PROCESS, State.DONE) == 2


def test_a_budget_ends_a_run(world):
    """No file is begun once so many bytes were; the next run goes on."""
    write_photos(world.folder / "photos", 5)
    size = (world.folder / "photos" / "photo00000.jpg").stat().st_size
    assert world.run(budget=2 * size).count(Stage.UPLOAD, State.DONE) == 2
    assert world.run().count(Stage.UPLOAD, State.DONE) == 5


def test_a_ledger_of_another_caller_is_refused(world):
    """The run belongs to the principal that began it."""
    from ic_harness.protocol import Ed25519Identity

    write_photos(world.folder / "photos", 1)
    world.run()
    world.identity = Ed25519Identity.generate()
    with pytest.raises(InputError, match="this ledger belongs to"):
        world.run()


class Embedder:
    """Makes a vector of an image's length; refuses on order."""

    name, dim, batch = "test", 1, 4

    def __init__(self, error=None):
        self.error = error
        self.seen = 0

    def embed(self, images):
        """Vectors."""
        if self.error is not None:
            raise self.error
        assert all(image.startswith(b"RIFF") for image in images)
        self.seen += len(images)
        return [len(image).to_bytes(4, "little") for image in images]


def test_thumbnails_are_embedded(world):
    """Each processed photo has a vector; the stage is done."""
    write_photos(world.folder / "photos", 5)
    embedder = Embedder()
    stats = world.run(embedder=embedder, until=Stage.EMBED)
    assert (stats.count(Stage.EMBED, State.DONE), embedder.seen) == (5, 5)
    assert stats.finished
    hashes = {hashlib.sha256(path.read_bytes()).digest() for path in (world.folder / "photos").iterdir()}
    assert {sha256 for sha256, _ in world.ledger.embeddings("test")} == hashes


def test_an_embedder_that_fails_harms_no_upload(world):
    """Its failures are those of the last stage alone."""
    write_photos(world.folder / "photos", 2)
    stats = world.run(embedder=Embedder(ImageError("odd")), until=Stage.EMBED)
    assert stats.count(Stage.PROCESS, State.DONE) == 2
    assert {letter.stage for letter in world.ledger.dead_letters()} == {Stage.EMBED}


@pytest.mark.parametrize("letter", ["a", "b", "c", "h"])
def test_older_generations(world, letter, request):
    """Photos as `upload` stores them there, other kinds by their original; nothing is stored twice."""
    folder = request.config.rootpath / "fixtures" / "canisters" / "generations"
    world.canister = world.network.deploy((folder / f"{letter}.wasm.gz").read_bytes())
    write_photos(world.folder / "photos", 2)
    (world.folder / "photos" / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(100_000))
    stats = world.run()
    assert stats.dead == {}
    assert stats.count(Stage.UPLOAD, State.DONE) == 3
    counts = originals(world.memories())
    assert set(counts.values()) == {1}
    assert len(counts) == 3
