"""Two lanes become one memory of four assets, on newer and older backends, again and at once."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from ic_capsule.assets import ASSETS, BLOBS, INLINE
from ic_capsule.uploads import Progress, make_large_jpeg, upload_photo_async
from ic_harness.errors import BackendError, InputError, TransportError, UploadError

from .conftest import send
from .fake import FakeBackend, Fault


@pytest.mark.parametrize("old", [False, True], ids=["newer", "generation H"])
def test_photo_becomes_a_memory_of_four_assets(picture, old):
    """Original, display and thumbnail are blobs, the placeholder is inline, and all of them are described."""
    backend = FakeBackend(old=old)
    stored = send(backend, picture)
    assert stored.verified
    kinds = [asset.asset_type for asset in stored.assets]
    assert tuple(kinds) == ASSETS
    assert [asset.asset_type for asset in stored.assets if asset.locator is None] == [*INLINE]
    for asset in stored.assets[: 1 + len(BLOBS)]:
        data = b"".join(backend.blobs[asset.locator])
        assert (asset.bytes, asset.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert b"".join(backend.blobs[stored.assets[0].locator]) == picture.read_bytes()


def test_metadata_is_complete(picture):
    """The memory says title, kind and times; each asset its type, size and hash."""
    backend = FakeBackend()
    memory = backend.memories[send(backend, picture).memory_id]
    metadata = memory.metadata
    assert (metadata.title, metadata.content_type) == ("picture", "image/jpeg")
    assert metadata.file_created_at == picture.stat().st_mtime_ns
    original = memory.blob_internal_assets[0].metadata.value
    assert (original.base.width, original.base.height, original.orientation) == (512, 512, 1)
    assert original.base.name == "picture.jpg"


def test_again_gives_the_same_memory(picture):
    """The same file a second time sends no chunk and makes nothing new."""
    backend = FakeBackend()
    first = send(backend, picture)
    chunks = backend.calls["uploads_put_chunk"]
    again = send(backend, picture)
    assert again.memory_id == first.memory_id
    assert backend.calls["uploads_put_chunk"] == chunks
    assert len(backend.blobs) == 3


def test_only_missing_chunks_are_sent(picture):
    """An upload that broke off half way is continued: the chunks that arrived are not sent again."""
    backend = FakeBackend(chunk_size=10_000)
    gone = TransportError("gone")
    stop = [Fault("uploads_put_chunk", 4, gone), Fault("uploads_abort", 0, gone)]
    killed = FakeBackend(chunk_size=10_000, faults=stop)
    with pytest.raises(UploadError):
        send(killed, picture)
    backend.sessions = killed.sessions
    arrived = sum(len(session.chunks) for session in killed.sessions.values())
    stored = send(backend, picture)
    needed = sum(-(-asset.bytes // 10_000) for asset in stored.assets[:3])
    assert arrived
    assert backend.calls["uploads_put_chunk"] == needed - arrived


def test_chunks_in_flight_are_bounded(tmp_path):
    """At most four chunks of a lane are in flight, so that memory does not grow with the file."""
    path = tmp_path / "large.jpg"
    path.write_bytes(make_large_jpeg(1_000_000))
    backend = FakeBackend(chunk_size=10_000)
    send(backend, path)
    assert 4 <= backend.most_in_flight <= 8


def test_progress_ends_at_the_total(picture):
    """Every lane reports its progress, never backwards, and ends at its total."""
    reports: list[Progress] = []
    send(FakeBackend(), picture, on_progress=reports.append)
    for lane in ("original", "derivatives", "read back"):
        steps = [step for step in reports if step.lane == lane]
        assert [step.done for step in steps] == sorted(step.done for step in steps)
        assert steps[-1].done == steps[-1].total


def test_two_uploads_of_one_file_at_once_share_nothing(picture):
    """Who uploads the very file that is being uploaded makes a memory of its own, with blobs of its own."""
    backend = FakeBackend()

    async def both():
        return await asyncio.gather(*(upload_photo_async(backend, picture) for _ in range(2)))

    first, second = asyncio.run(both())
    assert first.memory_id != second.memory_id
    assert len(backend.blobs) == 6


def test_capsule_is_the_one_that_was_named(picture):
    """A capsule that is not there is reported with the backend's error, and nothing was created."""
    backend = FakeBackend()
    with pytest.raises(UploadError, match="NotFound") as caught:
        send(backend, picture, "capsule_2")
    assert caught.value.leftovers == ()
    assert isinstance(caught.value.detail, BackendError)
    assert backend.calls["capsules_create"] == 0
    assert backend.leftovers == []


def test_truncated_photo_leaves_nothing(picture):
    """A photo that turns out to be damaged when its lane A is on the way is an input error, and undone."""
    picture.write_bytes(picture.read_bytes()[:40_000])
    backend = FakeBackend()
    with pytest.raises(InputError, match=r"picture\.jpg"):
        send(backend, picture)
    assert backend.leftovers == []


def test_different_bytes_are_never_verified(picture, monkeypatch):
    """A backend that returns other bytes is detected, and what it has is removed."""
    backend = FakeBackend()
    true = FakeBackend.do_blob_read_chunk
    monkeypatch.setattr(FakeBackend, "do_blob_read_chunk", lambda self, *args: bytes(len(true(self, *args))))
    with pytest.raises(UploadError, match="reads back"):
        send(backend, picture)
    assert backend.leftovers == []
