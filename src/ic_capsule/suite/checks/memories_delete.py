"""Checks of MD1 to MD8: what deleting removes, and what it must leave."""

from __future__ import annotations

from functools import partial

from ic_capsule.suite.checks.helpers import inline_memory
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import blob_asset, content, inline_asset, memory_metadata
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import (
    NotApplicableError,
    accepted,
    equal,
    part,
    refused,
    require,
)

_NO_MEMORY = "00000000-0000-0000-0000-000000000000"


def _gone(caller: Caller, locator: str, meaning: str = "") -> None:
    with refused(f"blob_get_meta of {locator}, which was deleted,", "NotFound", meaning=meaning):
        caller.backend.blob_get_meta(locator)


@check("MD1")
def delete_with_assets(context: CheckContext) -> None:
    """Delete with assets removes memory and blobs; a refused one removes nothing."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    sample = content(800)
    memory, locator = alice.remember(sample)
    with refused("memories_delete by another caller", "NotFound", "Unauthorized"):
        mallory.backend.memories_delete(memory, delete_assets=True)
    equal(alice.read(locator), sample.data, "the blob after another caller tried to delete its memory")
    accepted("memories_delete with assets", lambda: alice.backend.memories_delete(memory, delete_assets=True))
    with refused("reading a deleted memory", "NotFound"):
        alice.backend.memories_read(memory)
    _gone(alice, locator, "Deleted photos are kept for ever.")
    with refused("deleting a memory that is not there", "NotFound"):
        alice.backend.memories_delete(memory, delete_assets=True)


@check("MD2")
def delete_without_assets(context: CheckContext) -> None:
    """Delete without assets keeps the blobs, which their owner can then delete."""
    alice = context.caller()
    sample = content(800)
    memory, locator = alice.remember(sample)
    alice.backend.memories_delete(memory, delete_assets=False)
    got = accepted("reading the blob of a memory deleted without assets", lambda: alice.read(locator))
    equal(got, sample.data, "the blob that should have been kept")
    accepted("blob_delete of the kept blob", lambda: alice.backend.blob_delete(locator))
    _gone(alice, locator)


@check("MD3")
def shared_blobs_live(context: CheckContext) -> None:
    """A blob of two memories lives until the second is deleted."""
    alice = context.caller()
    sample = content(800)
    first, locator = alice.remember(sample, "first")
    second = accepted(
        "a second memory of the same blob", lambda: alice.remember_blob(locator, sample, "second")
    )
    alice.backend.memories_delete(first, delete_assets=True)
    meaning = "Deleting one album destroys the photos of another."
    with part():
        got = accepted("reading the shared blob", lambda: alice.read(locator), meaning)
        equal(got, sample.data, "the shared blob", meaning)
    alice.backend.memories_delete(second, delete_assets=True)
    _gone(alice, locator)


@check("MD4")
def bulk_delete_stays_in_its_capsule(context: CheckContext) -> None:
    """A bulk delete touches only the capsule it names, reports each failure, and does the rest."""
    alice, bob = context.caller("alice"), context.caller("bob")
    mine = [alice.remember(content(50, number))[0] for number in range(2)]
    theirs, _ = bob.remember(content(50, "bob"))
    result = alice.backend.memories_delete_bulk(
        alice.capsule, [*mine, theirs, _NO_MEMORY], delete_assets=True
    )
    equal((result.deleted_count, result.failed_count), (2, 2), "deleted and failed")
    for failed in (theirs, _NO_MEMORY):
        require(failed in result.message, f"the failure of {failed} is not reported: {result.message!r}")
    with part():
        accepted("reading the other caller's memory", lambda: bob.backend.memories_read(theirs))
    with refused("a bulk delete in another's capsule", "NotFound", "Unauthorized"):
        alice.backend.memories_delete_bulk(bob.capsule, [theirs], delete_assets=True)
    kept = [alice.remember(content(50, f"all {number}"))[0] for number in range(3)]
    equal(
        alice.backend.memories_delete_all(alice.capsule, delete_assets=True).deleted_count,
        len(kept),
        "deleted_all",
    )
    accepted("reading the other caller's memory", lambda: bob.backend.memories_read(theirs))


@check("MD5")
def removal_tells_the_truth(context: CheckContext) -> None:
    """Removing an asset either removes it and says so, or refuses and says why."""
    alice = context.caller()
    sample, small = content(300), content(30, "inline")
    memory = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, memory_metadata(), [blob_asset(alice.upload(sample), sample)], alice.idem()
    )
    if alice.can("memories_add_inline_asset"):
        alice.backend.memories_add_inline_asset(memory, inline_asset(small), alice.idem())
    locator = alice.backend.memories_read(memory).blob_internal_assets[0].blob_ref.locator
    for what, target in (("inline", 0), ("internal", locator), ("by_id", "no-such-asset")):
        before = _asset_count(alice, memory)
        try:
            said = getattr(alice.backend, f"asset_remove_{what}")(memory, target).asset_removed
        except BackendError:
            said = False
        removed = before - _asset_count(alice, memory)
        equal(removed, int(said), f"assets removed by asset_remove_{what}, which says asset_removed = {said}")


def _asset_count(caller: Caller, memory_id: str) -> int:
    return int(caller.backend.memories_list_assets(memory_id).total_count)


@check("MD6")
def cleanup_counts_truly(context: CheckContext) -> None:
    """Cleanup of assets reports the true count, and unknown ids as failed."""
    alice = context.caller()
    memory, locator = alice.remember(content(300))
    if alice.can("memories_add_inline_asset"):
        alice.backend.memories_add_inline_asset(memory, inline_asset(content(30, "inline")), alice.idem())
    count = _asset_count(alice, memory)
    with part():
        result = accepted(
            "memories_cleanup_assets_all", lambda: alice.backend.memories_cleanup_assets_all(memory)
        )
        equal(result.assets_cleaned, count, "assets_cleaned")
        equal(_asset_count(alice, memory), 0, "assets left after cleanup")
        _gone(alice, locator)
    with refused("cleanup of an unknown memory", "NotFound"):
        alice.backend.memories_cleanup_assets_all(_NO_MEMORY)
    other, _ = alice.remember(content(300, "other"))
    bulk = alice.backend.memories_cleanup_assets_bulk([other, _NO_MEMORY])
    equal(
        (bulk.ok, [row.id for row in bulk.failed]), ([other], [_NO_MEMORY]), "cleanup in bulk: ok and failed"
    )


@check("MD7")
def delete_after_a_blob_went(context: CheckContext) -> None:
    """A memory one of whose blobs is gone can be deleted with its assets, and nothing of others goes with it."""
    alice = context.caller()
    shared, own, other = content(400, "shared"), content(500, "own"), content(600, "other")
    locators = {sample: alice.upload(sample) for sample in (own, shared)}
    assets = [blob_asset(locator, sample) for sample, locator in locators.items()]
    create = alice.backend.memories_create_with_internal_blobs
    memory = create(alice.capsule, memory_metadata("both"), assets, alice.idem())
    second = create(alice.capsule, memory_metadata("shared"), assets[1:], alice.idem())
    beside, kept = alice.remember(other, "beside")
    accepted("blob_delete of a blob of two memories", lambda: alice.backend.blob_delete(locators[shared]))
    for what, id_ in (("a memory one of whose blobs", second), ("a memory whose only blob", memory)):
        accepted(
            f"memories_delete with assets of {what} is gone",
            partial(alice.backend.memories_delete, id_, delete_assets=True),
            "Half of its photos are gone, and the memory can never be deleted.",
        )
        with refused("reading a deleted memory", "NotFound"):
            alice.backend.memories_read(id_)
    _gone(alice, locators[own])
    accepted("reading a memory that was not deleted", lambda: alice.backend.memories_read(beside))
    got = accepted("reading the blob of a memory that was not deleted", lambda: alice.read(kept))
    equal(got, other.data, "the blob of a memory that was not deleted", "Deleting destroys foreign photos.")


@check("MD8")
def counts_follow_removals(context: CheckContext) -> None:
    """After each removal counts and sizes are those of what is left: of the memory, its row and its capsule."""
    alice = context.caller()
    first, second = content(300, "first"), content(200, "second")
    assets = [blob_asset(alice.upload(sample), sample) for sample in (first, second)]
    memory = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, memory_metadata(), assets, alice.idem()
    )
    inline_memory(alice, content(40))
    if not alice.can("asset_remove_by_id"):
        msg = "the canister has no method asset_remove_by_id"
        raise NotApplicableError(msg)
    _counts(alice, memory, (2, first.size + second.size), memories=2)
    held = alice.backend.memories_read(memory).blob_internal_assets
    id_of_first = next(row.asset_id for row in held if row.blob_ref.locator == assets[0].blob_id)
    alice.backend.asset_remove_by_id(memory, id_of_first)
    _counts(alice, memory, (1, second.size), memories=2)
    alice.backend.memories_cleanup_assets_all(memory)
    _counts(alice, memory, (0, 0), memories=2)
    alice.backend.memories_delete(memory, delete_assets=True)
    _counts(alice, None, (0, 0), memories=1)


def _counts(caller: Caller, memory: str | None, expected: tuple[int, int], *, memories: int) -> None:
    """Compare asset_count and total_size of a memory and of its row, and memory_count of its capsule."""
    meaning = "Galleries and quotas count photos that are not there any more."
    rows = {row.id: row for row in caller.backend.memories_list(caller.capsule, None, None).items}
    equal(len(rows), memories, "memories in the list", meaning)
    if memory is not None:
        metadata, row = caller.backend.memories_read(memory).metadata, rows[memory]
        equal((metadata.asset_count, metadata.total_size), expected, "asset_count and total_size", meaning)
        equal((row.asset_count, row.size), expected, "asset_count and size in the list", meaning)
    equal(
        caller.backend.capsules_read_basic(caller.capsule).memory_count,
        memories,
        "memory_count of the capsule",
        meaning,
    )
    header = next(row for row in caller.backend.capsules_list() if row.id == caller.capsule)
    equal(header.memory_count, memories, "memory_count in capsules_list", meaning)
