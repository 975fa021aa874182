"""Locators: exactly `blob_<u64 decimal>`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_capsule.backend import BlobLocator
from ic_harness.errors import LocatorError

NUMBERS = st.integers(0, 2**64 - 1)


@given(NUMBERS)
def test_text_and_back(number):
    """A locator reads back from its text and from its storage location."""
    locator = BlobLocator(number)
    assert str(locator) == f"blob_{number}"
    assert BlobLocator.parse(str(locator)) == locator
    assert BlobLocator.parse_storage_location(locator.storage_location) == locator


@given(st.text())
def test_any_text(text):
    """Any text is either refused or the one text of its locator."""
    for candidate in (text, f"blob_{text}"):
        try:
            locator = BlobLocator.parse(candidate)
        except LocatorError:
            continue
        assert str(locator) == candidate


REFUSED = [
    *("", "blob_", "blob_-1", "blob_01", "blob_1 ", "blob_1\n", "blob_٣", "BLOB_1", "blob_1_0", "blob_0x1"),
    *(f"blob_{2**64}", "blob_" + "9" * 10_000, "inline_1", "external_1", "icp://blob/blob_1"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    """What looks like a locator and is none is refused."""
    with pytest.raises(LocatorError):
        BlobLocator.parse(text)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_out_of_range(number):
    """A blob's number fits 64 bits."""
    with pytest.raises(LocatorError):
        BlobLocator(number)
