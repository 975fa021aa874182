"""Any call may fail, refused or with its reply lost: the upload fails with one error and leaves nothing."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.uploads import upload_photo_async
from ic_harness.errors import BackendError, CallTimeoutError, RejectError, TransportError, UploadError

from .conftest import send
from .fake import FakeBackend, Fault, lost

CALLS = [
    ("upload_config", 1),
    ("capsules_create", 1),
    *(("uploads_begin", number) for number in (1, 2, 3)),
    *(("uploads_status", number) for number in (1, 3)),
    *(("uploads_put_chunk", number) for number in (1, 2, 3, 4)),
    *(("uploads_finish", number) for number in (1, 2, 3)),
    ("memories_create_with_internal_blobs_and_inline_assets", 1),
    ("memories_read", 1),
    *(("blob_get_meta", number) for number in (1, 3)),
    *(("blob_read_chunk", number) for number in (1, 2)),
]
OLD_CALLS = [("memories_create_with_internal_blobs", 1), ("memories_add_inline_asset", 1)]


@pytest.mark.parametrize(("method", "number"), CALLS)
def test_refused_call_leaves_nothing(picture, method, number):
    """Whatever call is refused, the upload fails and no session, blob or memory is left."""
    backend = FakeBackend(faults=[Fault(method, number)])
    with pytest.raises(UploadError, match="planned") as caught:
        send(backend, picture)
    assert caught.value.leftovers == ()
    assert backend.leftovers == []


@pytest.mark.parametrize(("method", "number"), CALLS)
def test_lost_reply_leaves_nothing(picture, method, number):
    """The same when the call was done and only its reply was lost."""
    backend = FakeBackend(faults=[lost(method, number)])
    with pytest.raises(UploadError, match="connection lost") as caught:
        send(backend, picture)
    assert caught.value.leftovers == ()
    assert backend.leftovers == []


EXPIRED = CallTimeoutError("expired")
NO_ROOM = RejectError(2, "Ingress message timed out waiting to start executing", "IC0202")


@pytest.mark.parametrize(
    ("error", "ran"), [(EXPIRED, False), (EXPIRED, True), (NO_ROOM, False)], ids=["expired", "ran", "no room"]
)
@pytest.mark.parametrize(("method", "number"), CALLS)
def test_late_call_is_made_anew(picture, method, number, error, ran):
    """A call that took too long is made again, whether it ran or not, and the photo is stored once."""
    backend = FakeBackend(faults=[Fault(method, number, error, after=ran)])
    uploaded = send(backend, picture)
    assert list(backend.memories) == [uploaded.memory_id]
    assert len(backend.blobs) == 3


@pytest.mark.parametrize("fault", [Fault, lost])
@pytest.mark.parametrize(("method", "number"), OLD_CALLS)
def test_older_backends_are_left_clean_too(picture, method, number, fault):
    """On a backend of generation H a memory without its placeholder is taken away."""
    backend = FakeBackend(faults=[fault(method, number)], old=True)
    with pytest.raises(UploadError):
        send(backend, picture)
    assert backend.leftovers == []


@pytest.mark.parametrize("cleanup", ["uploads_abort", "blob_delete"])
def test_what_cannot_be_cleaned_up_is_named(picture, cleanup):
    """When cleaning up fails as well, the error names what is left, and only that."""
    faults = [
        Fault("memories_create_with_internal_blobs_and_inline_assets")
        if cleanup == "blob_delete"
        else Fault("uploads_finish", 1),
        Fault(cleanup, 0, TransportError("still gone")),
    ]
    backend = FakeBackend(faults=faults)
    with pytest.raises(UploadError, match="Left behind") as caught:
        send(backend, picture)
    assert len(caught.value.leftovers) == len(backend.leftovers) > 0


def test_memory_that_cannot_be_deleted_is_named(picture):
    """A memory that was made and cannot be taken away is named; its blobs stay with it."""
    faults = [Fault("memories_read"), Fault("memories_delete", 0, TransportError("gone"))]
    backend = FakeBackend(faults=faults)
    with pytest.raises(UploadError) as caught:
        send(backend, picture)
    assert caught.value.leftovers == ("memory memory-1",)
    assert len(backend.blobs) == 3


def test_failing_again_does_not_harm_what_was_stored_before(picture):
    """When a second upload of a stored file fails, the memory of the first stays whole."""
    backend = FakeBackend()
    first = send(backend, picture)
    backend.faults = {("blob_get_meta", backend.calls["blob_get_meta"] + 2): Fault("blob_get_meta")}
    with pytest.raises(UploadError):
        send(backend, picture)
    assert list(backend.memories) == [first.memory_id]
    assert len(backend.blobs) == 3


class Blocking(FakeBackend):
    """Holds the calls of one method until they are let go."""

    def __init__(self, method):
        super().__init__()
        self.method, self.reached, self.gate = method, asyncio.Event(), asyncio.Event()

    async def pause(self, name):
        await super().pause(name)
        if name == self.method:
            self.reached.set()
            await self.gate.wait()


@pytest.mark.parametrize(
    "method",
    ["uploads_begin", "uploads_put_chunk", "uploads_finish", "memories_read"],
)
def test_cancelled_upload_leaves_nothing(picture, method):
    """An upload that is cancelled waits for the calls under way and takes everything away."""

    async def scenario():
        backend = Blocking(method)
        upload = asyncio.create_task(upload_photo_async(backend, picture))
        await backend.reached.wait()
        upload.cancel()
        await asyncio.sleep(0)
        backend.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await upload
        return backend

    assert asyncio.run(scenario()).leftovers == []


def test_file_that_changes_under_way_is_told(picture):
    """A file that is written to while it is sent fails the upload by name, and nothing is left."""

    class Changing(FakeBackend):
        def do_uploads_begin(self, *args):
            with picture.open("ab") as file:
                file.write(b"more")
            return super().do_uploads_begin(*args)

    backend = Changing()
    with pytest.raises(UploadError, match="changed"):
        send(backend, picture)
    assert backend.leftovers == []


def test_bug_is_no_upload_error(picture):
    """What is a fault of ours stays the exception it is, and is cleaned up after all the same."""
    backend = FakeBackend(faults=[Fault("uploads_finish", 2, ZeroDivisionError())])
    with pytest.raises(ZeroDivisionError):
        send(backend, picture)
    assert backend.leftovers == []


def test_error_of_the_backend_is_kept(picture):
    """`detail` holds the error that made the upload fail."""
    backend = FakeBackend(faults=[Fault("uploads_finish", 1, BackendError("ResourceExhausted"))])
    with pytest.raises(UploadError) as caught:
        send(backend, picture)
    assert caught.value.detail.tag == "ResourceExhausted"
