"""Metadata and keys come from the file alone."""

from __future__ import annotations

import pytest

from ic_capsule.uploads import sample_photo
from ic_capsule.uploads.metadata import IdempotencyKeys, taken_at_ns
from ic_capsule.uploads.source import PhotoSource


@pytest.mark.parametrize(
    ("taken_at", "offset", "seconds"),
    [
        ("2015:02:11 18:03:15", None, 1423677795),
        ("2015:02:11 18:03:15", "-05:00", 1423695795),
        ("1970:01:01 00:00:00", None, 0),
        (None, None, None),
        ("0000:00:00 00:00:00", None, None),
        ("1869:01:01 00:00:00", None, None),
        ("yesterday", None, None),
        ("2015:02:11 18:03:15", "noon", None),
    ],
)
def test_when_a_photo_was_taken(taken_at, offset, seconds):
    """The camera's clock, with its offset or as UTC; None for what is no time of a photo."""
    expected = None if seconds is None else seconds * 1_000_000_000
    assert taken_at_ns({"taken_at": taken_at, "taken_at_offset": offset}) == expected


def keys_of(path):
    """The keys of an upload of `path`, alone."""
    with PhotoSource(path) as source:
        return IdempotencyKeys(source).of("Original")


def test_keys_come_from_the_file(tmp_path):
    """The same file has the same key; another name or other bytes have another, and all are short."""
    one, two = tmp_path / "one.jpg", tmp_path / "two.jpg"
    one.write_bytes(sample_photo())
    first = keys_of(one)
    assert keys_of(one) == first
    one.rename(two)
    assert keys_of(two) != first
    assert len(first) < 100


def test_busy_file_has_random_keys(tmp_path):
    """While one upload has the file, others get unique keys."""
    path = tmp_path / "one.jpg"
    path.write_bytes(sample_photo())
    with PhotoSource(path) as first:
        assert len({IdempotencyKeys(first).of("Original"), keys_of(path), keys_of(path)}) == 3
