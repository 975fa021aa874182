"""A locator is `blob_` and a decimal number below 2^64; everything else is refused by name."""

from __future__ import annotations

import pytest

from ic_harness.errors import BackendError

from .conftest import content

BAD = [
    "",
    "blob_",
    "blob_abc",
    "blob_-1",
    "blob_99999999999999999999",
    "42",
    "inline_0011223344556677",
    "external_1",
    "icp://blob/blob_1",
    "Blob_1",
    "blob_1 ",
]
METHODS = ["blob_get_meta", "blob_read", "blob_delete"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("locator", BAD)
def test_what_is_no_locator_is_refused(backend, method, locator):
    """Reading or deleting by a text that is no locator is an invalid argument."""
    with pytest.raises(BackendError) as caught:
        getattr(backend, method)(locator)
    assert caught.value.tag == "InvalidArgument"


@pytest.mark.parametrize("method", METHODS)
def test_unknown_locator_is_not_found(backend, method):
    """A well-formed locator of no blob is not found."""
    with pytest.raises(BackendError) as caught:
        getattr(backend, method)("blob_12345")
    assert caught.value.tag == "NotFound"


def test_chunk_past_the_end_is_no_other_bytes(session, backend):
    """A chunk past the end is empty, and never bytes of something else."""
    blob = session(content(10)).put_all().finish().blob_id
    assert backend.blob_read_chunk(blob, 1) == b""


def test_locators_are_never_reused(session, backend):
    """Two blobs of the same bytes have locators of their own; deleting one leaves the other."""
    first = session(content(10), "one").put_all().finish().blob_id
    second = session(content(10), "two").put_all().finish().blob_id
    assert first != second
    backend.blob_delete(first)
    assert backend.blob_read(second) == content(10)
    with pytest.raises(BackendError, match="NotFound"):
        backend.blob_get_meta(first)
