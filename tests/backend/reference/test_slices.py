"""Deleting much: every message has a bound, and what is left is freed without anybody's doing."""

from __future__ import annotations

import pytest

from ic_capsule.backend import PersonRefOpaque
from ic_capsule.suite.sample_data import asset_metadata, blob_asset, content, memory_metadata
from ic_harness.agent import Management
from ic_harness.errors import BackendError

LIMIT = 5_000_000_000
"""Instructions; a message may take forty billion, one of the reference's stays far below."""


def fill(caller, capsule, memories, *, with_blobs=False):
    """Put memories into a capsule, each with a blob of 20 kB or a few bytes inline; gives their ids."""
    own, ids = caller.backend, []
    for number in range(memories):
        material = content(20_000 if with_blobs else 10, f"{capsule} {number}")
        if with_blobs:
            session = caller.begin(1, capsule=capsule)
            caller.put(session, [material.data])
            blob = blob_asset(caller.finish(session, material).blob_id, material)
            ids.append(
                own.memories_create_with_internal_blobs(capsule, memory_metadata(), [blob], caller.idem())
            )
        else:
            said = asset_metadata(material)
            ids.append(
                own.memories_create(
                    capsule, material.data, None, None, None, None, None, None, said, caller.idem()
                )
            )
    return ids


@pytest.mark.slow
def test_delete_all_goes_in_slices(stage, alice):
    """memories_delete_all deletes five hundred, says how many are left, and is done when called again."""
    fill(alice, alice.capsule, 510)
    results = []
    used = stage.instructions(lambda: results.append(alice.backend.memories_delete_all(alice.capsule, True)))
    assert used < LIMIT
    assert (results[0].deleted_count, results[0].failed_count) == (500, 0)
    assert "10 are left, call again" in results[0].message
    last = alice.backend.memories_delete_all(alice.capsule, True)
    assert (last.deleted_count, "left" in last.message) == (10, False)
    assert alice.backend.memories_list(alice.capsule, None, None).items == []


@pytest.mark.slow
def test_a_deleted_capsule_is_freed_by_itself(stage, alice):
    """A capsule of more things than one message frees is gone at once; its space is used again, at nobody's cost."""
    management = Management(stage.network.agent(stage.network.deployer))

    def stable_bytes():
        metrics = management.canister_status(stage.canister_id)["memory_metrics"]
        assert metrics is not None
        return metrics["stable_memory_size"]

    def cost_of_listing():
        """What the call itself costs: a slice may be freed at the same moment, in a message of its own."""
        first, _ = stage.network.metrics()
        bob.backend.memories_list(bob.capsule, None, None)
        _, figures = stage.network.metrics(first)
        (cost,) = [figure.instructions for figure in figures if figure.what == "memories_list"]
        return cost

    bob = stage.caller("bob")
    bob.remember(content(10))
    listed = cost_of_listing()
    sizes = []
    for number in range(2):
        capsule = alice.backend.capsules_create(PersonRefOpaque(value=f"capsule {number}")).id
        memory = fill(alice, capsule, 210, with_blobs=True)[-1]
        sizes.append(stable_bytes())
        assert stage.instructions(lambda gone=capsule: alice.backend.capsules_delete(gone)) < LIMIT
        with pytest.raises(BackendError, match="NotFound"):
            alice.backend.memories_read(memory)
        assert cost_of_listing() < 1.1 * listed
        for _ in range(8):
            stage.network.tick()
    assert len(set(sizes)) == 1, "what a deleted capsule held was not used again"
