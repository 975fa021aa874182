"""A photo goes through both lanes and becomes one memory with four assets."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from ic_capsule.assets import BLOBS, INLINE, SPECS
from ic_harness.errors import BackendError, ImageError

from .conftest import stored_assets


@pytest.fixture
def stored(backend, upload, photo, four_assets):
    """One stored photo of two chunks: its path, the upload's result, and the assets read back."""
    path = photo(size=3_600_000)
    uploaded = upload(path)
    return path, uploaded, four_assets(backend, path, uploaded)


def test_four_assets_read_back(stored):
    """The original reads back byte for byte, and every asset has the length and hash it claims."""
    path, uploaded, _ = stored
    assert uploaded.verified
    assert uploaded.bytes == path.stat().st_size


def test_inline_derivatives_and_blobs(stored):
    """The original and the blobs of the table have locators of their own; the placeholder is inline in the memory."""
    _, _, assets = stored
    locators = {name: locator for name, (_, locator, _) in assets.items()}
    assert [locators.pop(name) for name in INLINE] == [None] * len(INLINE)
    assert all(re.fullmatch(r"blob_\d+", locator) for locator in locators.values())
    assert len(set(locators.values())) == 1 + len(BLOBS)


@pytest.mark.parametrize("name", SPECS)
def test_derivatives_are_images_of_the_size_claimed(stored, name):
    """Derivatives have the table's codec and edge, and the pixels that their metadata says."""
    base, _, data = stored[2][name]
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == SPECS[name].codec
        assert image.size == (base.width, base.height)
        assert max(image.size) <= SPECS[name].edge
    assert base.mime_type == SPECS[name].mime_type


def test_the_result_is_what_is_stored(stored):
    """The assets in the upload's result are those on the canister."""
    _, uploaded, assets = stored
    for asset in uploaded.assets:
        base, locator, data = assets[asset.asset_type]
        assert (asset.locator, asset.bytes, asset.sha256) == (locator, len(data), base.sha256.hex())
        assert (asset.width, asset.height, asset.mime_type) == (base.width, base.height, base.mime_type)


def test_memory_is_in_the_capsule(stored, backend, capsule):
    """The memory is listed once in the capsule it was stored in, with its four assets."""
    _, uploaded, _ = stored
    (header,) = backend.memories_list(capsule, None, None).items
    assert (header.id, header.asset_count) == (uploaded.memory_id, 4)


def test_no_session_is_left(stored, backend, capsule):
    """After the upload the same number of sessions can be opened as before: nothing is left open."""
    assert [backend.uploads_begin(capsule, 1, f"idem {number}") for number in range(100)]


def test_deleting_takes_the_blobs(stored, backend):
    """Deleting the memory with its assets deletes the blobs."""
    _, uploaded, assets = stored
    backend.memories_delete(uploaded.memory_id, True)
    for _, locator, _ in assets.values():
        if locator is not None:
            with pytest.raises(BackendError, match="NotFound"):
                backend.blob_get_meta(locator)


def test_small_photo_is_not_enlarged(backend, upload, photo):
    """Nothing is enlarged: a photo of 512 pixels has a display of 512 pixels."""
    assets = stored_assets(backend, upload(photo()).memory_id)
    assert max(assets["Display"][0].width, assets["Display"][0].height) == 512


def test_png_with_alpha(backend, upload, photo, four_assets):
    """A PNG with alpha keeps its bytes as the original, and gets its derivatives."""
    path = photo(kind="png")
    assets = four_assets(backend, path, upload(path))
    assert assets["Original"][0].mime_type == "image/png"


def test_what_is_no_image_leaves_nothing(backend, capsule, upload, tmp_path):
    """A file that is no image is refused, and nothing of it is stored."""
    path = tmp_path / "note.jpg"
    path.write_bytes(b"\xff\xd8\xff and then no image")
    with pytest.raises(ImageError):
        upload(path)
    assert backend.memories_list(capsule, None, None).items == []
