"""What a photo says of itself: place, title, tags, date; HEIC with and without its library; the JPEG in raw files."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest
from PIL import ExifTags, Image

from ic_capsule.uploads import FileSource, PhotoInfo, memory_metadata, original_metadata, sample_photo
from ic_capsule.uploads.derivatives import render
from ic_harness.errors import ImageError


def photo(**tags):
    """A small JPEG with EXIF tags by their names; `gps` is a table of its own."""
    exif = Image.Exif()
    for name, value in tags.items():
        if name != "gps":
            exif[ExifTags.Base[name]] = value
    if "gps" in tags:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(tags["gps"])
    data = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(data, "JPEG", exif=exif)
    return data.getvalue()


def facts(data, mime=None):
    """What the header says."""
    return render(io.BytesIO(data), "photo", mime, pixels=False).facts


def gps(latitude, south, longitude, west):
    """A place as cameras write it."""
    return {1: "S" if south else "N", 2: latitude, 3: "W" if west else "E", 4: longitude}


def test_where_a_photo_was_taken():
    """Degrees with six decimals; south and west are negative."""
    found = facts(photo(gps=gps((46.0, 12.0, 30.0), False, (6.0, 9.0, 0.0), True)))
    assert found["location"] == "46.208333,-6.150000"


@pytest.mark.parametrize("latitude", [(460.0, 0.0, 0.0), (1.0,)])
def test_no_place_on_earth_is_no_place(latitude):
    """Odd values say nothing; the photo is taken all the same."""
    assert facts(photo(gps=gps(latitude, False, (6.0, 9.0, 0.0), False)))["location"] is None


def test_title_and_tags():
    """The description is the title; keywords of Windows are tags, once each."""
    keywords = "sea; summer, sea;".encode("utf-16-le")
    found = facts(photo(ImageDescription="At the lake", XPKeywords=keywords))
    assert (found["title"], found["tags"]) == ("At the lake", ["sea", "summer"])


def test_facts_come_into_the_memory(tmp_path):
    """Title, tags, place and date of the memory are those of the photo."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(
        photo(ImageDescription="At the lake", gps=gps((46.0, 0.0, 0.0), False, (6.0, 0.0, 0.0), False))
    )
    with FileSource(path) as source:
        memory = memory_metadata(PhotoInfo(source, facts(path.read_bytes())), 5)
    assert (memory.title, memory.location) == ("At the lake", "46.000000,6.000000")


def test_a_header_alone_makes_no_pixels():
    """A truncated photo still has facts, and no derivatives."""
    data = sample_photo()[:20_000]
    assert facts(data)["width"] > 0
    with pytest.raises(ImageError, match="cannot be decoded"):
        render(io.BytesIO(data), "photo")


def test_heic_without_its_library_is_an_honest_sentence(monkeypatch):
    """The error names the extra that is missing."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"ic-harness\[heic\]"):
        render(io.BytesIO(b"\0\0\0\x18ftypheic"), "photo", "image/heic")


def test_heic():
    """With its library it is rendered like any other photo, and keeps its type."""
    heif = pytest.importorskip("pillow_heif")
    data = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(data)
    rendered = render(io.BytesIO(data.getvalue()), "photo", "image/heic")
    assert rendered.facts["mime_type"] == "image/heic"
    assert rendered.images["Display"][:2] == (64, 48)


def test_the_largest_jpeg_of_a_raw_file_is_its_picture(tmp_path):
    """Cameras put previews of several sizes there; bytes that only begin like a JPEG are none."""
    small = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(small, "JPEG")
    path = tmp_path / "photo.nef"
    path.write_bytes(b"II*\0\x08\0\0\0" + small.getvalue() + b"\xff\xd8\xff!" + photo() + b"sensor data")
    with FileSource(path) as source, path.open("rb") as file:
        rendered = render(file, "photo", source.kind.mime)
    assert rendered.facts["mime_type"] == "image/x-nikon-nef"
    assert rendered.images["Display"][:2] == (64, 48)


def test_a_raw_file_without_a_preview_is_named(tmp_path):
    """It is kept by `bulk`, and has no derivatives."""
    path = tmp_path / "photo.cr3"
    path.write_bytes(b"\0\0\0\x18ftypcrx sensor data")
    with path.open("rb") as file, pytest.raises(ImageError, match="without a preview"):
        render(file, "photo", "image/x-canon-cr3")


@pytest.mark.parametrize(
    ("name", "kind"), [("a.mp4", "Video"), ("a.mp3", "Audio"), ("a.pdf", "Document"), ("a.md", "Note")]
)
def test_other_kinds_have_metadata_of_their_kind(tmp_path, name, kind):
    """The memory and its asset are of the file's kind."""
    path = tmp_path / name
    path.write_bytes(b"content")
    with FileSource(path) as source:
        asset = original_metadata(source, {})
        memory = memory_metadata(PhotoInfo(source, {"mime_type": source.kind.mime}), 5)
    assert type(asset).__name__ == f"AssetMetadata{kind}"
    assert memory.memory_type.value == kind


def test_the_worker_is_told_what_pillow_cannot_see(tmp_path):
    """A raw file in the image workers."""
    from ic_capsule.uploads import derive

    path = tmp_path / "photo.dng"
    path.write_bytes(b"II*\0\x08\0\0\0" + photo())
    with FileSource(path) as source:
        assert asyncio.run(derive(source)).images["Display"].width == 64
