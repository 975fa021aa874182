"""Sessions that run side by side, of one caller and of several, do not touch each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_harness.errors import BackendError

from .conftest import Session, content, read_back

COUNT = 4


def interleaved(sessions):
    """Send the chunks of all sessions in turn, then finish them, and check each one's bytes."""
    for index in range(3):
        for upload in sessions:
            upload.put(index)
    finished = [upload.finish().blob_id for upload in sessions]
    assert len(set(finished)) == len(sessions)
    for upload, blob in zip(sessions, finished, strict=True):
        assert read_back(upload.backend, blob) == upload.data


def test_sessions_of_one_caller_are_apart(backend, capsule):
    """Sessions of one caller, interleaved chunk by chunk, each give their own bytes."""
    interleaved(
        [Session.begin(backend, capsule, content(2500, seed), f"idem-{seed}") for seed in range(COUNT)]
    )


def test_sessions_of_several_callers_are_apart(backend_for, identity):
    """Sessions of several callers that use the same idem, interleaved, each give their own bytes."""
    backends = [backend_for(identity(f"caller {number}")) for number in range(COUNT)]
    interleaved(
        [
            Session.begin(backend, backend.capsules_create(None).id, content(2500, seed), "same")
            for seed, backend in enumerate(backends)
        ]
    )


def test_same_idem_is_the_same_session(session):
    """Beginning again with the same idem returns the open session and keeps its chunks."""
    first = session(content(2500))
    first.put(0)
    again = session(content(2500))
    assert again.id == first.id
    again.put(1)
    again.put(2)
    assert again.finish().size == 2500


def test_others_change_nothing(session, backend_for, identity):
    """Another caller's chunk, finish and abort are refused, and the owner's upload is as it was."""
    upload = session(content(2500))
    upload.put(0)
    other = backend_for(identity("other"))
    for attempt in (
        lambda: other.uploads_put_chunk(upload.id, 1, b"evil"),
        lambda: other.uploads_finish(upload.id, bytes(32), 2500),
        lambda: other.uploads_abort(upload.id),
    ):
        with pytest.raises(BackendError, match=r"Unauthorized|NotFound"):
            attempt()
    upload.put(1)
    upload.put(2)
    assert read_back(upload.backend, upload.finish().blob_id) == upload.data


def at_once(tasks):
    """Run the tasks in threads of their own and give their results in order."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def test_four_photos_at_once_by_one_caller(backend, capsule, photo, four_assets):
    """Four photos that one caller uploads at the same time are all stored and read back equal."""
    from ic_capsule.uploads import upload_photo

    paths = [photo(seed=seed) for seed in range(COUNT)]
    stored = at_once([lambda path=path: upload_photo(backend, path, capsule) for path in paths])
    assert len({done.memory_id for done in stored}) == COUNT
    for path, done in zip(paths, stored, strict=True):
        four_assets(backend, path, done)


def test_four_photos_at_once_by_four_callers(backend_for, identity, photo, four_assets):
    """Four callers who upload at the same time each find their own photo, and only that."""
    from ic_capsule.uploads import upload_photo

    backends = [backend_for(identity(f"caller {number}")) for number in range(COUNT)]
    paths = [photo(seed=seed) for seed in range(COUNT)]
    pairs = list(zip(backends, paths, strict=True))
    stored = at_once([lambda b=backend, p=path: upload_photo(b, p, None) for backend, path in pairs])
    for (backend, path), done in zip(pairs, stored, strict=True):
        four_assets(backend, path, done)
    with pytest.raises(BackendError):
        backends[0].memories_read(stored[1].memory_id)
