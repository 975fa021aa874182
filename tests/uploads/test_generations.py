"""Uploads to every deployed generation, with network faults at every call, leave nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
from threading import Lock

import pytest

from ic_capsule.assets import ASSETS
from ic_capsule.backend import Backend, open_backend_async
from ic_capsule.uploads import (
    IdempotencyKeys,
    Progress,
    download_asset,
    download_blob,
    irreversible,
    make_large_jpeg,
    photo_metadata,
    sample_photo,
    upload_photo,
    upload_photo_async,
)
from ic_capsule.uploads.source import PhotoSource
from ic_capsule.uploads.worker import derive
from ic_harness.errors import BackendError, CallTimeoutError, UploadError

PHOTOS = ["hubble.jpg", "rocket-sideways.jpg", "coffee-alpha.png", "chelsea-animated.gif"]
IN_ORDER = "bch"


@pytest.fixture
def picture(tmp_path):
    """A small real photo of several chunks."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(sample_photo())
    return path


def open_sessions(backend):
    """How many uploads are open, by the statistics of the stand-ins."""
    return int(backend.sessions_stats().split("Pending: ")[1].split(",")[0])


def check_assets(backend, stored, path, tmp_path):
    """Every asset reads back with the reported hash, the original byte for byte."""
    kinds = [asset.asset_type for asset in stored.assets]
    assert tuple(kinds) == ASSETS
    for asset in stored.assets:
        if asset.locator is not None:
            target = tmp_path / f"{asset.asset_type}.back"
            assert download_blob(backend, asset.locator, target) == asset.bytes
            assert hashlib.sha256(target.read_bytes()).hexdigest() == asset.sha256
    assert (tmp_path / "Original.back").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("letter", "abch")
def test_every_photo_through_every_generation(standin, request, tmp_path, letter):
    """Each fixture photo becomes four assets on each generation, and reads back equal."""
    backend = standin(letter, chunk_size=None)
    for name in PHOTOS:
        path = request.config.rootpath / "fixtures" / "photos" / name
        stored = upload_photo(backend, path)
        assert stored.verified
        check_assets(backend, stored, path, tmp_path)
        assert download_asset(backend, stored.memory_id, tmp_path / "original") == path.stat().st_size


@pytest.mark.parametrize(
    ("letter", "memories", "inline"), [("a", 4, 1), ("b", 4, 1), ("c", 1, 0), ("h", 1, 1)]
)
def test_what_a_photo_becomes(standin, picture, letter, memories, inline):
    """C and H get one memory; A and B one for each asset, since none of theirs can have two."""
    backend = standin(letter)
    stored = upload_photo(backend, picture)
    items = backend.memories_list(stored.capsule_id, None, None).items
    assert len(items) == memories
    assert {stored.memory_id, *stored.other_memories} == {item.id for item in items}
    assert sum(asset.locator is None for asset in stored.assets) == inline
    found = [backend.memories_read(item.id) for item in items]
    assert sum(memory.metadata.asset_count for memory in found) == 4


def test_assets_of_h_have_ids_of_their_own(standin, picture):
    """On H the assets of one call get one id, so each is added by its own call."""
    stored = upload_photo(standin("h"), picture)
    assert len({asset.asset_id for asset in stored.assets}) == 4


@pytest.mark.parametrize("letter", "abch")
def test_a_client_that_did_not_look_finds_out(standin, network, identity, picture, letter):
    """An upload by a client made without asking for the generation goes through all the same."""
    backend = Backend(network.agent(identity()), standin(letter).canister_id)
    assert upload_photo(backend, picture).verified
    assert backend.profile is not None
    assert backend.profile.generation == letter.upper()


@pytest.mark.parametrize("letter", "abch")
def test_asynchronous_client(standin, network, identity, picture, letter):
    """The asynchronous form stores a photo on each generation too."""
    canister = standin(letter).canister_id

    async def main():
        async with network.async_agent(identity()) as agent:
            return await upload_photo_async(await open_backend_async(agent, canister), picture)

    assert asyncio.run(main()).verified


@pytest.mark.parametrize("harm", ["drop_reply", "drop_request", "duplicate"])
@pytest.mark.parametrize("letter", "abch")
@pytest.mark.parametrize("method", ["uploads_begin", "uploads_put_chunk", "uploads_finish"])
def test_broken_network(standin, picture, faults, letter, harm, method):
    """A call that is lost, answered into the void or delivered twice runs once: nothing is spoiled or made twice."""
    backend = standin(letter)
    faults(harm, method=method)
    stored = upload_photo(backend, picture)
    assert stored.verified
    if letter != "a":
        assert (
            backend.sessions_stats()
            == f"Total sessions: {4 if letter == 'c' else 3}, Pending: 0, Committed: 0"
        )


@pytest.mark.parametrize("letter", "abch")
def test_what_a_killed_upload_left_is_continued(standin, picture, letter):
    """The session of an upload that was killed half way is taken up again, and none is left open."""
    backend = standin(letter)
    capsule = backend.capsules_create(None).id
    size = backend.upload_config().chunk_size
    with PhotoSource(picture) as source:
        key = IdempotencyKeys(source).of(f"Original {source.sha256.hex()} {size}")
        about = photo_metadata(source, asyncio.run(derive(source)).facts)
        session = backend.begin_upload(capsule, -(-source.size // size), key, about)
        backend.uploads_put_chunk(session, 0, source.read(0, size))
    assert upload_photo(backend, picture, capsule).verified
    if letter != "a":
        assert open_sessions(backend) == 0


class Meddled:
    """A client whose `method` goes wrong at its first call, or always, after it was done or instead."""

    def __init__(self, backend, method, error, *, always=False, after=False):
        self._backend, self._method, self._error = backend, method, error
        self._always, self._after, self._first = always, after, Lock()

    def __getattr__(self, name):
        found = getattr(self._backend, name)
        if name != self._method:
            return found

        def broken(*args, **named):
            if not self._always and not self._first.acquire(blocking=False):
                return found(*args, **named)
            if self._after:
                found(*args, **named)
            raise self._error

        return broken


NO_VERDICT = CallTimeoutError("no verdict")


@pytest.mark.parametrize("letter", "abch")
@pytest.mark.parametrize("method", ["uploads_put_chunk", "uploads_finish"])
@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
def test_a_reply_that_never_comes(standin, picture, letter, method, after):
    """When the agent gives up on a chunk or on finish, the upload starts over or continues, and succeeds."""
    backend = standin(letter)
    stored = upload_photo(Meddled(backend, method, NO_VERDICT, after=after), picture)
    assert stored.verified
    if letter != "a":
        assert open_sessions(backend) == 0
    assert len(backend.memories_list(stored.capsule_id, None, None).items) == (4 if letter in "ab" else 1)


@pytest.mark.parametrize("letter", IN_ORDER)
def test_interference_by_another_caller(standin, network, identity, picture, letter):
    """Another caller's chunk spoils the hash of a session; the next attempt succeeds and leaves nothing of it."""
    backend = standin(letter)
    other = Backend(network.agent(identity("other")), backend.canister_id)
    spoiled: list[bool] = []

    class Spoiled(Meddled):
        def __getattr__(self, name):
            if name == "uploads_finish" and not spoiled:
                spoiled.append(True)
                with pytest.raises(BackendError, match="Unauthorized"):
                    other.uploads_put_chunk(1, 0, b"x")
            return getattr(self._backend, name)

    assert upload_photo(Spoiled(backend, "", NO_VERDICT), picture).verified
    assert open_sessions(backend) == 0


@pytest.mark.parametrize("letter", "abch")
@pytest.mark.parametrize(
    "method", ["begin_upload", "uploads_put_chunk", "uploads_finish", "memories_read", "memories_create"]
)
def test_failed_upload_leaves_nothing(standin, picture, letter, method):
    """When a call fails for good, sessions are aborted, memories and blobs deleted; what cannot be is named."""
    backend = standin(letter)
    if method == "memories_create" and letter in "ch":
        method = "memories_create_with_internal_blobs"
    error = BackendError("Internal", "planned")
    with pytest.raises(UploadError, match="planned") as caught:
        upload_photo(Meddled(backend, method, error, always=True), picture)
    if letter != "a":
        assert open_sessions(backend) == 0
    capsule = backend.capsules_create(None).id
    stay = {f"memory {header.id}" for header in backend.memories_list(capsule, None, None).items}
    assert method != "begin_upload" or caught.value.leftovers == ()
    assert {item for item in caught.value.leftovers if item.startswith("memory ")} == stay
    for item in caught.value.leftovers:
        assert letter in "ab", f"{item} could have been deleted"
        if item not in stay:
            assert backend.blob_get_meta(item).size > 0, "what stays is a blob, which nothing there deletes"


def test_progress_is_taken_back(standin, picture):
    """An upload that starts over says so: in the end exactly as much was sent as there is."""
    reports: list[Progress] = []
    meddled = Meddled(standin("h"), "uploads_finish", BackendError("InvalidArgument", "checksum_mismatch"))
    upload_photo(meddled, picture, on_progress=reports.append)
    for lane in ("original", "derivatives"):
        last = [step for step in reports if step.lane == lane][-1]
        assert last.done == last.total


@pytest.mark.slow
@pytest.mark.parametrize("letter", "ah")
def test_large_photo(standin, tmp_path, letter):
    """A photo of 21 MB goes through the oldest and the newest generation in chunks of their own size."""
    path = tmp_path / "large.jpg"
    path.write_bytes(make_large_jpeg(21_000_000))
    backend = standin(letter, chunk_size=None)
    stored = upload_photo(backend, path)
    size = backend.upload_config().chunk_size
    assert backend.blob_get_meta(stored.assets[0].locator).chunk_count == -(-21_000_000 // size)


@pytest.mark.parametrize("letter", IN_ORDER)
def test_nothing_is_sent_twice(standin, picture, letter):
    """Whatever becomes of a chunk, it is not sent to the same session again."""
    sent = []

    class Counted(Meddled):
        def __getattr__(self, name):
            found = super().__getattr__(name)
            if name != "uploads_put_chunk":
                return found

            def call(session, index, data):
                sent.append((session, index))
                return found(session, index, data)

            return call

    assert upload_photo(
        Counted(standin(letter), "uploads_put_chunk", NO_VERDICT, after=True), picture
    ).verified
    assert len(sent) == len(set(sent))


REFUSED_DELETE = BackendError(
    "Internal", 'Failed to delete memory: InvalidArgument("Invalid blob ID: blob_1")'
)


@pytest.mark.parametrize("letter", "ab")
@pytest.mark.parametrize("method", ["uploads_finish", "memories_read", "memories_create"])
def test_memories_that_cannot_be_deleted_are_named(standin, picture, letter, method):
    """Where the deployed canister refuses to delete a memory that holds a blob, memory and blob are both named."""
    backend = standin(letter)
    failing = Meddled(backend, "memories_delete", REFUSED_DELETE, always=True)
    error = BackendError("Internal", "planned")
    with pytest.raises(UploadError, match="planned") as caught:
        upload_photo(Meddled(failing, method, error, always=True), picture)
    capsule = backend.capsules_create(None).id
    memories = [backend.memories_read(item.id) for item in backend.memories_list(capsule, None, None).items]
    assert memories or method == "uploads_finish"
    expected = {f"memory {memory.id}" for memory in memories}
    expected |= {asset.blob_ref.locator for memory in memories for asset in memory.blob_internal_assets}
    assert set(caught.value.leftovers) == expected
    assert len(caught.value.leftovers) == len(expected), "named once"


@pytest.mark.parametrize(("letter", "expected"), [("a", True), ("b", True), ("c", False), ("h", False)])
def test_what_cannot_be_undone_is_reported_first(standin, picture, letter, expected):
    """Before the first byte is sent, the listener receives what a failed upload would leave on this generation."""
    steps: list[Progress] = []
    upload_photo(standin(letter), picture, on_progress=steps.append)
    notices = [step.notice for step in steps if step.notice]
    assert bool(notices) == expected
    if expected:
        assert steps[0].notice == notices[0] == irreversible(standin(letter).profile)
        assert "blob" in notices[0]
        assert len(notices) == 1
