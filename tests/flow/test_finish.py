"""At finish, hash and length decide; what is refused can be put right and finished."""

from __future__ import annotations

import hashlib
import re

import pytest

from ic_harness.errors import BackendError

from .conftest import content, read_back

DATA = content(2500)


def test_finish_tells_what_was_stored(session):
    """Finish returns the locator, size, checksum and storage location of the blob."""
    result = session(DATA).put_all().finish()
    assert re.fullmatch(r"blob_\d+", result.blob_id)
    assert result.size == len(DATA)
    assert result.checksum_sha256 == hashlib.sha256(DATA).digest()
    assert result.storage_location == f"icp://blob/{result.blob_id}"


def test_blob_reads_back(session, backend):
    """What was sent in chunks is read back byte for byte."""
    result = session(DATA).put_all().finish()
    assert read_back(backend, result.blob_id) == DATA
    assert backend.blob_read(result.blob_id) == DATA


def test_order_of_chunks_does_not_matter(session, backend):
    """Chunks that arrive backwards give the same blob."""
    result = session(DATA).put_all(order=[2, 0, 1]).finish()
    assert read_back(backend, result.blob_id) == DATA


@pytest.mark.parametrize("digest", [bytes(32), hashlib.sha256(b"other").digest()], ids=["zeros", "other"])
def test_wrong_hash_is_refused_and_can_be_put_right(session, backend, digest):
    """A wrong hash is refused, the session stays, and the true hash finishes it."""
    upload = session(DATA).put_all()
    with pytest.raises(BackendError, match="checksum_mismatch") as caught:
        upload.finish(digest=digest)
    assert caught.value.tag == "InvalidArgument"
    assert read_back(backend, upload.finish().blob_id) == DATA


@pytest.mark.parametrize("digest", [b"", bytes(7), bytes(31), bytes(33)], ids=len)
def test_hash_of_another_length_is_refused(session, digest):
    """A hash that is not 32 bytes long is an invalid argument and no trap."""
    with pytest.raises(BackendError) as caught:
        session(DATA).put_all().finish(digest=digest)
    assert caught.value.tag == "InvalidArgument"


@pytest.mark.parametrize("length", [0, 2499, 2501, 2**63])
def test_wrong_length_is_refused_and_can_be_put_right(session, backend, length):
    """A wrong total length is refused, the session stays, and the true length finishes it."""
    upload = session(DATA).put_all()
    with pytest.raises(BackendError) as caught:
        upload.finish(length=length)
    assert caught.value.tag == "InvalidArgument"
    assert read_back(backend, upload.finish().blob_id) == DATA


def test_missing_chunks_are_named(session, backend):
    """Finish with chunks missing is refused with their indexes; sending them completes the upload."""
    upload = session(DATA)
    upload.put(1)
    with pytest.raises(BackendError, match=r"0.*2") as caught:
        upload.finish()
    assert caught.value.tag == "InvalidArgument"
    upload.put(0)
    upload.put(2)
    assert read_back(backend, upload.finish().blob_id) == DATA


def test_finish_twice_gives_the_same_blob(session):
    """A finish that is sent again, because its reply was lost, returns the same blob."""
    upload = session(DATA).put_all()
    assert upload.finish().blob_id == upload.finish().blob_id


def test_aborted_session_is_gone(session, backend):
    """After an abort the session takes no chunk and no finish, and the idem can be used anew."""
    upload = session(DATA).put_all()
    backend.uploads_abort(upload.id)
    with pytest.raises(BackendError, match="NotFound"):
        upload.finish()
    assert session(DATA).put_all().finish().size == len(DATA)
