"""A photo goes through both lanes and becomes one memory with four assets."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from ic_harness.errors import BackendError, ImageError

from .conftest import stored_assets

EDGES = {"Display": 2048, "Thumbnail": 512, "Placeholder": 32}


@pytest.fixture
def stored(backend, upload, photo, four_assets):
    """One stored photo of two chunks: its path, what the upload told, and the assets read back."""
    path = photo(size=3_600_000)
    uploaded = upload(path)
    return path, uploaded, four_assets(backend, path, uploaded)


def test_four_assets_read_back(stored):
    """The original reads back byte for byte, and every asset has the length and hash it claims."""
    path, uploaded, _ = stored
    assert uploaded.verified
    assert uploaded.bytes == path.stat().st_size


def test_placeholder_is_inline_and_the_others_are_blobs(stored):
    """Original, display and thumbnail have locators of their own; the placeholder travels in the memory."""
    _, _, assets = stored
    locators = {name: locator for name, (_, locator, _) in assets.items()}
    assert locators.pop("Placeholder") is None
    assert all(re.fullmatch(r"blob_\d+", locator) for locator in locators.values())
    assert len(set(locators.values())) == 3


@pytest.mark.parametrize("name", EDGES)
def test_derivatives_are_images_of_the_size_claimed(stored, name):
    """Display, thumbnail and placeholder are WebP, have the pixels they claim, and are not too large."""
    base, _, data = stored[2][name]
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "WEBP"
        assert image.size == (base.width, base.height)
        assert max(image.size) <= EDGES[name]
    assert base.mime_type == "image/webp"


def test_what_the_upload_tells_is_what_is_stored(stored):
    """The uploader's account of the assets is the canister's."""
    _, uploaded, assets = stored
    for told in uploaded.assets:
        base, locator, data = assets[told.asset_type]
        assert (told.locator, told.bytes, told.sha256) == (locator, len(data), base.sha256.hex())
        assert (told.width, told.height, told.mime_type) == (base.width, base.height, base.mime_type)


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
