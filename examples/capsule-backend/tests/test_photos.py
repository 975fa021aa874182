"""Uploads of photos: the fixtures `photo`, `upload`, `backend` and `capsule` come with ic-harness."""

from pathlib import Path

import pytest

from ic_harness.errors import BackendError


def test_a_photo_becomes_a_memory(upload, photo):
    stored = upload(photo())
    assert stored.verified
    assert len(stored.assets) == 4


def test_a_lost_reply_does_no_harm(upload, photo, faults):
    faults("drop_reply", method="uploads_put_chunk")
    assert upload(photo()).verified


def test_others_cannot_delete_it(upload, photo, backend_for, identity):
    stored = upload(photo())
    eve = backend_for(identity("eve"))
    with pytest.raises(BackendError):
        eve.memories_delete(stored.memory_id, delete_assets=True)


def test_the_original_is_kept_byte_for_byte(upload, photo, backend):
    path = Path(photo())
    stored = upload(path)
    memory = backend.memories_read(stored.memory_id)
    assert memory.id == stored.memory_id
