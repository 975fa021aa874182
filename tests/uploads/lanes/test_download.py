"""Downloads: a file appears when all of it has come, and otherwise nothing changes."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.uploads import download_asset_async, download_blob_async
from ic_harness.errors import BackendError, InputError, LocatorError, UploadError

from .conftest import send
from .fake import FakeBackend, Fault


@pytest.fixture
def backend():
    """A backend whose blobs have several chunks."""
    return FakeBackend(chunk_size=5_000)


@pytest.fixture
def stored(backend, picture):
    """A stored photo."""
    return send(backend, picture)


@pytest.mark.parametrize("index", range(4))
def test_assets_become_files(backend, stored, picture, tmp_path, index):
    """Every asset of a memory is written with its length and bytes."""
    asset = stored.assets[index]
    target = tmp_path / "out"
    target.write_bytes(b"what was there")
    size = asyncio.run(download_asset_async(backend, stored.memory_id, target, asset.asset_type))
    assert size == asset.bytes == target.stat().st_size
    if index == 0:
        assert target.read_bytes() == picture.read_bytes()


def failing(backend, work, error, target):
    """Run a download that has to fail; the target stays as it was and nothing lies beside it."""
    before = sorted(target.parent.iterdir())
    target.write_bytes(b"what was there")
    with pytest.raises(error):
        asyncio.run(work)
    assert target.read_bytes() == b"what was there"
    assert sorted(target.parent.iterdir()) == sorted([*before, target])


def test_failing_chunk_changes_nothing(backend, stored, tmp_path):
    """When a chunk does not come, the file that was there stays."""
    number = backend.calls["blob_read_chunk"] + 3
    backend.faults = {("blob_read_chunk", number): Fault("blob_read_chunk", number)}
    target = tmp_path / "out"
    failing(backend, download_blob_async(backend, stored.assets[0].locator, target), BackendError, target)


def test_other_bytes_change_nothing(backend, stored, tmp_path):
    """A blob that is not what its memory says is not written."""
    backend.blobs[stored.assets[0].locator][1] = b"other"
    target = tmp_path / "out"
    failing(backend, download_asset_async(backend, stored.memory_id, target), UploadError, target)


@pytest.mark.parametrize(
    ("what", "error"),
    [("blob_x", LocatorError), ("blob_99", BackendError), ("icp://blob/blob_1", LocatorError)],
)
def test_wrong_locators_change_nothing(backend, tmp_path, what, error):
    """What is no locator, or names no blob, is refused."""
    target = tmp_path / "out"
    failing(backend, download_blob_async(backend, what, target), error, target)


def test_asset_that_is_not_there(backend, stored, tmp_path):
    """A type of asset that the memory does not have is named in the error."""
    with pytest.raises(InputError, match="Metadata"):
        asyncio.run(download_asset_async(backend, stored.memory_id, tmp_path / "out", "Metadata"))


def test_folder_that_is_not_there(backend, stored, tmp_path):
    """A place that cannot be written to is reported in one line."""
    target = tmp_path / "none" / "out"
    with pytest.raises(InputError, match="cannot write"):
        asyncio.run(download_blob_async(backend, stored.assets[0].locator, target))
