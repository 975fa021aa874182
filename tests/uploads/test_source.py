"""A photo on disk: size, hash and ranges, what is no image, and a file that changes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_capsule.uploads import sample_photo
from ic_capsule.uploads.source import PhotoSource, chunk_ranges, looks_like_image
from ic_capsule.uploads.worker import derive
from ic_harness.errors import ImageError, UploadError


@pytest.fixture
def path(tmp_path):
    """A small real photo."""
    target = tmp_path / "picture.jpg"
    target.write_bytes(sample_photo())
    return target


@given(size=st.integers(1, 10_000), chunk_size=st.integers(1, 3_000))
def test_ranges_cover_the_file_once(size, chunk_size):
    """Ranges follow each other without gap, all but the last have the full size, and none is empty."""
    ranges = chunk_ranges(size, chunk_size)
    assert [part.index for part in ranges] == list(range(len(ranges)))
    assert ranges[0].offset == 0
    assert all(a.offset + a.length == b.offset for a, b in itertools.pairwise(ranges))
    assert ranges[-1].offset + ranges[-1].length == size
    assert {part.length for part in ranges[:-1]} <= {chunk_size}
    assert 0 < ranges[-1].length <= chunk_size


def test_what_a_source_tells(path):
    """Size, SHA-256, name and time are those of the file, and ranges are its bytes."""
    with PhotoSource(path) as source:
        assert source.size == path.stat().st_size
        assert source.sha256 == hashlib.sha256(path.read_bytes()).digest()
        assert source.name == "picture.jpg"
        assert source.modified_ns == path.stat().st_mtime_ns
        assert source.read(10, 100) == path.read_bytes()[10:110]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "cannot be opened"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"plain text"), "not an image"),
        (os.mkfifo, "no file"),
    ],
    ids=["missing", "folder", "empty", "text", "pipe"],
)
def test_what_is_no_photo_is_refused(tmp_path, make, words):
    """What is there instead of an image is said in one line with its path."""
    make(tmp_path / "bad")
    with pytest.raises(ImageError, match=words) as caught:
        PhotoSource(tmp_path / "bad")
    assert "bad" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_path_that_cannot_be_is_refused():
    """A text that is no path at all is reported as such."""
    with pytest.raises(ImageError, match="no path"):
        PhotoSource("a\0b")


@pytest.mark.parametrize("change", ["grow", "cut", "rewrite"])
def test_changed_file_is_noticed(path, change):
    """A file that is written to after it was opened cannot be read from any more."""
    with PhotoSource(path) as source:
        data = path.read_bytes()
        new = {"grow": data + b"x", "cut": data[:-100], "rewrite": data}[change]
        path.write_bytes(new)
        os.utime(path, ns=(0, source.modified_ns + 1))
        with pytest.raises(UploadError, match="changed"):
            source.read(source.size - 10, 10)


def test_file_that_was_replaced_is_still_the_same(path, tmp_path):
    """Another file that takes the name does not matter to the bytes, and the worker is not given it."""
    before = path.read_bytes()
    with PhotoSource(path) as source:
        (tmp_path / "other").write_bytes(b"other")
        (tmp_path / "other").replace(path)
        assert source.read(0, source.size) == before
        with pytest.raises(UploadError, match="changed"):
            asyncio.run(derive(source))


def test_second_source_of_a_file_is_not_alone(path):
    """Of two sources of one file that are open at once, the first is alone; when it closes, the next is."""
    with PhotoSource(path) as first, PhotoSource(path) as second:
        assert (first.alone, second.alone) == (True, False)
    with PhotoSource(path) as third:
        assert third.alone


def test_photos_are_recognised(request):
    """Every fixture photo and the sample look like images; text and other files do not."""
    folder = request.config.rootpath / "fixtures" / "photos"
    starts = [path.read_bytes()[:16] for path in folder.iterdir() if path.suffix != ".md"]
    assert len(starts) >= 4
    assert all(looks_like_image(start) for start in [*starts, sample_photo()[:16]])
    assert not any(looks_like_image(start) for start in (b"", b"<svg", b"%PDF-1.7", b"RIFF....WAVE"))
