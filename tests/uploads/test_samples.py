"""Photographs to test with: real, decodable, of the size asked for, always the same."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from ic_capsule.uploads import make_large_jpeg, sample_photo


@pytest.mark.parametrize("size", [100_000, 150_000, 3_600_000])
def test_large_jpeg_has_exactly_the_size(size):
    """A large JPEG has the size asked for and decodes."""
    data = make_large_jpeg(size)
    assert len(data) == size
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.format == "JPEG"


def test_the_same_seed_is_the_same_photo():
    """Size and seed decide the bytes."""
    assert make_large_jpeg(200_000, 1) == make_large_jpeg(200_000, 1) != make_large_jpeg(200_000, 2)


def test_too_small_is_refused():
    """Below 100,000 bytes there is no large JPEG."""
    with pytest.raises(ValueError, match="100000"):
        make_large_jpeg(99_999)


def test_fixtures_are_what_their_list_says(request):
    """SOURCES.md names every photo with the SHA-256 that it has."""
    folder = request.config.rootpath / "fixtures" / "photos"
    text = (folder / "SOURCES.md").read_text(encoding="utf-8")
    for path in folder.iterdir():
        if path.suffix != ".md":
            assert f"`{path.name}`" in text
            assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert hashlib.sha256(sample_photo()).hexdigest() in text
