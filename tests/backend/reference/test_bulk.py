"""Calls that save round trips: many memories at once, and which of many hashes are there."""

from __future__ import annotations

import pytest

from ic_capsule.backend import MemoryInput
from ic_capsule.suite.sample_data import blob_asset, content, inline_asset, memory_metadata
from ic_harness.errors import BackendError

SMALL = content(300, "placeholder")


def photo(alice, number):
    """A memory to make, of a blob that is uploaded and a placeholder."""
    material = content(1_000, number)
    return MemoryInput(
        metadata=memory_metadata(f"Photo {number}"),
        blobs=[blob_asset(alice.upload(material), material)],
        inline=[inline_asset(SMALL)],
        idem=f"photo {number}",
    )


def test_many_memories_in_one_call(alice):
    """Each is what a call of its own makes, and the call again gives the same ids."""
    inputs = [photo(alice, number) for number in range(5)]
    result = alice.backend.memories_create_bulk(alice.capsule, inputs)
    assert ([row.idem for row in result.made], result.failed) == ([row.idem for row in inputs], [])
    assert alice.backend.memories_create_bulk(alice.capsule, inputs) == result
    one = alice.backend.memories_create_with_internal_blobs_and_inline_assets(
        alice.capsule, inputs[0].metadata, inputs[0].blobs, inputs[0].inline, inputs[0].idem
    )
    assert one == result.made[0].memory_id
    assert alice.backend.capsules_read_basic(None).memory_count == 5


def test_a_refused_one_does_not_stop_the_others(alice):
    """What cannot be made is named with its reason; the others are made."""
    good, bad = photo(alice, 1), photo(alice, 2)
    lost = bad.model_copy(update={"blobs": [blob_asset("blob_1", SMALL)]})
    other = good.model_copy(update={"metadata": memory_metadata("Other")})
    result = alice.backend.memories_create_bulk(alice.capsule, [good, lost, other])
    assert [row.idem for row in result.made] == [good.idem]
    assert [row.id for row in result.failed] == [lost.idem, other.idem]
    assert [type(row.err).__name__ for row in result.failed] == ["ErrorNotFound", "ErrorConflict"]


def test_hashes_are_found(alice, stage):
    """A hash finds the caller's blob with its size and memory, one with a memory first; others' blobs are not found."""
    made = photo(alice, 1)
    loose, twin = content(50, "loose"), content(1_000, 1)
    alice.upload(twin)
    locator = alice.upload(loose)
    memory = alice.backend.memories_create_bulk(alice.capsule, [made]).made[0].memory_id
    alice.upload(twin)
    first, second, none = alice.backend.blobs_find(alice.capsule, [twin.sha256, loose.sha256, bytes(32)])
    assert (first.blob_id, first.size, first.memory_id) == (made.blobs[0].blob_id, 1_000, memory)
    assert (second.blob_id, second.memory_id, none) == (locator, None, None)
    mallory = stage.caller("mallory")
    assert mallory.backend.blobs_find(mallory.capsule, [twin.sha256]) == [None]
    with pytest.raises(BackendError, match="NotFound"):
        mallory.backend.blobs_find(alice.capsule, [twin.sha256])


def test_what_is_deleted_is_not_found(alice):
    """A blob that is gone, alone or with its memory, is found by no hash."""
    made, loose = photo(alice, 1), content(50, "loose")
    locator = alice.upload(loose)
    memory = alice.backend.memories_create_bulk(alice.capsule, [made]).made[0].memory_id
    alice.backend.blob_delete(locator)
    alice.backend.memories_delete(memory, True)
    hashes = [loose.sha256, content(1_000, 1).sha256]
    assert alice.backend.blobs_find(alice.capsule, hashes) == [None, None]
