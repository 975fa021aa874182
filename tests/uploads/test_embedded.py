"""Photos on the reference backend: every kind, large ones, again, and after they were deleted."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from ic_capsule.backend import AsyncBackend
from ic_capsule.uploads import (
    download_asset,
    download_blob,
    make_large_jpeg,
    sample_photo,
    upload_photo,
    upload_photo_async,
)
from ic_harness.errors import BackendError, UploadError

PHOTOS = ["hubble.jpg", "rocket-sideways.jpg", "coffee-alpha.png", "chelsea-animated.gif"]


@pytest.fixture
def picture(tmp_path):
    """A small real photo."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(sample_photo())
    return path


def locators(stored):
    """The locators of the blobs of an uploaded photo."""
    return [asset.locator for asset in stored.assets if asset.locator]


@pytest.mark.parametrize("name", PHOTOS)
def test_every_kind_of_photo(request, backend, capsule, tmp_path, name):
    """Each fixture photo becomes four assets that come back as files with the reported hashes."""
    path = request.config.rootpath / "fixtures" / "photos" / name
    stored = upload_photo(backend, path, capsule)
    for asset in stored.assets:
        target = tmp_path / asset.asset_type
        assert download_asset(backend, stored.memory_id, target, asset.asset_type) == asset.bytes
        assert hashlib.sha256(target.read_bytes()).hexdigest() == asset.sha256
    assert (tmp_path / "Original").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("size", [3_600_000, pytest.param(21_000_000, marks=pytest.mark.slow)])
def test_large_photo(backend, capsule, tmp_path, size):
    """A large JPEG goes up in several chunks and comes down byte for byte."""
    path = tmp_path / "large.jpg"
    path.write_bytes(make_large_jpeg(size))
    stored = upload_photo(backend, path, capsule)
    chunk_size = backend.upload_config().chunk_size
    locator = stored.assets[0].locator
    assert locator is not None
    assert backend.blob_get_meta(locator).chunk_count == -(-size // chunk_size)
    assert download_blob(backend, locator, tmp_path / "back") == size
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (tmp_path / "back").stat().st_mode == ordinary.stat().st_mode  # the user's mask decides
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_asynchronous_client(network, canister_id, identity, picture):
    """The asynchronous form stores the same from within an event loop."""

    async def main():
        agent = network.async_agent(identity())
        try:
            return await upload_photo_async(AsyncBackend(agent, canister_id), picture)
        finally:
            await agent.close()

    stored = asyncio.run(main())
    assert stored.verified
    assert len(stored.assets) == 4


def test_blocking_upload_where_a_loop_runs(backend, picture):
    """The blocking upload works in a notebook, where an event loop runs already."""

    async def cell():
        return upload_photo(backend, picture)

    assert asyncio.run(cell()).verified


@pytest.mark.parametrize("with_assets", [True, False])
def test_again_after_it_was_deleted(backend, capsule, picture, with_assets):
    """A photo whose memory was deleted, with or without its blobs, can be uploaded again."""
    first = upload_photo(backend, picture, capsule)
    backend.memories_delete(first.memory_id, with_assets)
    again = upload_photo(backend, picture, capsule)
    assert again.verified
    assert len(backend.memories_list(capsule, None, None).items) == 1
    assert (locators(again) == locators(first)) is not with_assets


def test_again_after_one_blob_was_deleted(backend, capsule, picture):
    """A photo of which one blob was deleted is whole again after the next upload."""
    first = upload_photo(backend, picture, capsule)
    backend.blob_delete(first.assets[1].locator)
    assert upload_photo(backend, picture, capsule).verified


def test_changed_photo_is_another_memory(backend, capsule, picture):
    """A file with other content is another memory, whatever its name."""
    first = upload_photo(backend, picture, capsule)
    picture.write_bytes(make_large_jpeg(150_000))
    assert upload_photo(backend, picture, capsule).memory_id != first.memory_id


def test_failed_upload_leaves_nothing(backend, capsule, picture, monkeypatch):
    """When the memory cannot be made, the canister holds no blob, session or memory of the photo."""
    made: list[str] = []

    def refuse(*args):
        made.extend(asset.blob_id for asset in args[2])
        raise BackendError("Internal", "planned")

    monkeypatch.setattr(backend, "memories_create_with_internal_blobs_and_inline_assets", refuse)
    with pytest.raises(UploadError, match="planned") as caught:
        upload_photo(backend, picture, capsule)
    assert caught.value.leftovers == ()
    assert len(made) == 3
    for locator in made:
        with pytest.raises(BackendError, match="NotFound"):
            backend.blob_get_meta(locator)
    assert backend.memories_list(capsule, None, None).items == []
