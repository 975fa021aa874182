"""The real uploader meets every single fault at every message of a photo in thirteen chunks.

After each one the photo is there, equal, once, and nothing is orphaned: no open session, no blob or chunk that
nothing refers to. A test is one trouble at each of the messages that call one method.
"""

from __future__ import annotations

import hashlib

import pytest

from .way import TROUBLES, Place

MESSAGES = {
    ("read_state", ""): 2,
    ("query", "upload_config"): 1,
    ("call", "capsules_create"): 1,
    ("call", "uploads_begin"): 3,
    ("query", "uploads_status"): 3,
    ("call", "uploads_put_chunk"): 15,
    ("call", "uploads_finish"): 3,
    ("call", "memories_create_with_internal_blobs_and_inline_assets"): 1,
    ("query", "memories_read"): 1,
    ("query", "blob_get_meta"): 3,
    ("query", "blob_read_chunk"): 15,
}
"""How often each method is called by an upload without trouble: 13 chunks, and one of each derivative.

The state is read for the canister's interface and for the keys of the node.
"""
UPDATES_ONLY = ("delivered again later", "expired after a copy ran", "replica died answering")
RESTARTS = ("replica restarted", "replica died answering")


def test_census(in_memory):
    """The matrix knows every message of an upload."""
    way = in_memory.way()
    backend = in_memory.caller(way, "census")
    uploaded = in_memory.upload(backend)
    assert dict(way.seen) == MESSAGES
    in_memory.check(backend, uploaded)


def meets(world, trouble, endpoint, method):
    """Upload once for each message of the method, with the trouble at that message."""
    for number in range(MESSAGES[endpoint, method]):
        way, place = world.way(), Place(endpoint, method, number)
        way.meet(place, TROUBLES[trouble])
        backend = world.caller(way, str(place))
        uploaded = world.upload(backend)
        assert way.met, f"no message was {place}"
        world.check(backend, uploaded)


def cases(troubles):
    """Each trouble at each method, where it makes a difference."""
    return [
        pytest.param(trouble, endpoint, method, id=f"{trouble}-{method or endpoint}")
        for trouble in troubles
        for endpoint, method in MESSAGES
        if endpoint == "call" or trouble not in UPDATES_ONLY
    ]


ON_THE_WAY = cases(sorted(set(TROUBLES) - set(RESTARTS)))
AT_RESTARTS = cases(RESTARTS)


@pytest.mark.slow
@pytest.mark.parametrize(("trouble", "endpoint", "method"), ON_THE_WAY)
def test_trouble_on_the_way(in_memory, trouble, endpoint, method):
    """Whatever happens to one message, the photo is stored once and nothing else is."""
    meets(in_memory, trouble, endpoint, method)


@pytest.mark.slow
@pytest.mark.parametrize(("trouble", "endpoint", "method"), AT_RESTARTS)
def test_replica_restarts_from_disk(on_disk, trouble, endpoint, method):
    """The same when the replica stops and reads everything from its folder again."""
    meets(on_disk, trouble, endpoint, method)


def test_the_look_sees_orphans(in_memory):
    """The check of what is left can fail: a forgotten session and a forgotten blob are both noticed."""
    backend = in_memory.caller(in_memory.way(), "forgetful")
    uploaded = in_memory.upload(backend)
    session = backend.uploads_begin(uploaded.capsule_id, 1, "forgotten")
    backend.uploads_put_chunk(session, 0, b"forgotten")
    with pytest.raises(AssertionError):
        in_memory.check(backend, uploaded)
    blob = hashlib.sha256(b"forgotten").digest()
    backend.uploads_finish(session, blob, 9)
    with pytest.raises(AssertionError, match="nothing refers to"):
        in_memory.check(backend, uploaded)
