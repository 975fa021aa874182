"""Finding files: folders, patterns, sidecars, duplicates, hostile names, what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ic_capsule.bulk import FailureClass, Ledger, add_paths
from ic_capsule.uploads import known_kind, sample_photo
from ic_harness.errors import InputError


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger.open(tmp_path / "state" / "bulk.sqlite", create=True) as opened:
        yield opened


@pytest.fixture
def photos(tmp_path):
    """A folder in a folder with three files and two sidecars."""
    inner = tmp_path / "photos" / "2024"
    inner.mkdir(parents=True)
    (inner / "a.jpg").write_bytes(sample_photo())
    (inner / "b.JPG").write_bytes(sample_photo() + b"b")
    (inner / "a.xmp").write_text("sidecar")
    (inner / ".hidden.jpg").write_bytes(sample_photo())
    (tmp_path / "photos" / "note.txt").write_text("a note")
    return tmp_path / "photos"


def names(ledger):
    """The names of all files."""
    return sorted(file.name for file in ledger.every_file())


def test_a_folder_is_taken_with_all_that_is_in_it(ledger, photos):
    """Sidecars and hidden files are left out by name, and counted."""
    scanned = add_paths(ledger, [photos])
    assert names(ledger) == ["a.jpg", "b.JPG", "note.txt"]
    assert scanned.left_out == {"sidecar or hidden file": 2}


def test_patterns(ledger, photos):
    """A pattern that the shell did not expand is expanded here."""
    add_paths(ledger, [f"{photos}/**/*.jpg"])
    assert names(ledger) == ["a.jpg"]


@pytest.mark.parametrize("path", ["nothing-here", "no-*.jpg"])
def test_what_does_not_exist_adds_nothing(ledger, photos, path):
    """A path that is not there, or a pattern without a match, is an error before anything is added."""
    with pytest.raises(InputError, match="nothing"):
        add_paths(ledger, [photos, photos / path])
    assert ledger.stats().total == 0


def test_again_reads_nothing_anew(ledger, photos):
    """Known files are told by size and time of change."""
    add_paths(ledger, [photos])
    assert add_paths(ledger, [photos]).unchanged == 3
    assert ledger.stats().total == 3


def test_equal_bytes_are_duplicates(ledger, photos):
    """Two names, one content."""
    (photos / "copy.jpg").write_bytes(sample_photo())
    assert add_paths(ledger, [photos]).duplicates == 1


def test_a_loop_of_links_ends(ledger, photos):
    """Links to folders are not followed."""
    (photos / "loop").symlink_to(photos, target_is_directory=True)
    add_paths(ledger, [photos])
    assert len(names(ledger)) == 3


def test_a_name_of_any_bytes(ledger, photos):
    """It is shown harmlessly, and the path is kept as it is."""
    path = os.fsencode(photos) + b"/\xff\x1b[31m.jpg"
    Path(os.fsdecode(path)).write_bytes(sample_photo() + b"odd")
    add_paths(ledger, [photos])
    (found,) = [file for file in ledger.every_file() if file.path == path]
    assert "\x1b" not in found.name
    found.name.encode()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("empty.jpg", b"", "is empty"),
        ("text.jpg", b"no image", "not an image"),
        ("riff.webp", b"RIFX....WEBPVP8 ", "not an image"),
    ],
)
def test_what_cannot_be_stored_is_listed(ledger, tmp_path, name, data, why):
    """A file with the ending of an image that is none becomes a dead letter, not nothing."""
    (tmp_path / name).write_bytes(data)
    add_paths(ledger, [tmp_path / name])
    (letter,) = ledger.dead_letters()
    assert letter.cls is FailureClass.INVALID
    assert why in letter.error


def test_a_pipe_does_not_hang(ledger, tmp_path):
    """A named pipe that was given by name is a dead letter; in a folder it is left out."""
    os.mkfifo(tmp_path / "pipe.jpg")
    add_paths(ledger, [tmp_path / "pipe.jpg"])
    assert "regular file" in ledger.dead_letters()[0].error


@pytest.mark.parametrize(
    ("name", "start", "mime"),
    [
        ("x.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("x.bin", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("x.dng", b"II*\x00\x08\x00\x00\x00", "image/x-adobe-dng"),
        ("x.tif", b"II*\x00\x08\x00\x00\x00", "image/tiff"),
        ("x.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        ("x.avif", b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
        ("x.mp4", b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
        ("x.mov", b"\0\0\0\x18ftypqt  \0\0\0\0", "video/quicktime"),
        ("x.m4a", b"\0\0\0\x18ftypM4A \0\0\0\0", "audio/mp4"),
        ("x.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("x.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("x.pdf", b"%PDF-1.7", "application/pdf"),
        ("x.md", b"# note", "text/markdown"),
    ],
)
def test_kinds(tmp_path, name, start, mime):
    """The first bytes decide; an ending only where there are no signatures, and for raw files that look like TIFF."""
    kind = known_kind(tmp_path / name, start)
    assert kind is not None
    assert kind.mime == mime


def test_unknown_kinds_are_left_out(ledger, photos):
    """A program beside the photos is counted, not stored."""
    (photos / "setup.exe").write_bytes(b"MZ")
    assert add_paths(ledger, [photos]).left_out["of no kind that is stored"] == 1
