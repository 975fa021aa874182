"""Checks of ME1 to ME8: how memories are made, and of what."""

from __future__ import annotations

from functools import partial
from typing import Any

from ic_capsule.backend import (
    AssetMetadata,
    AssetMetadataImage,
    AssetType,
    BlobHosting,
    BlobRef,
    ImageAssetMetadata,
    MemoryMetadata,
    MemoryUpdateData,
)
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import (
    NOW_NS,
    Content,
    asset_metadata,
    blob_asset,
    content,
    inline_asset,
    memory_metadata,
)
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import accepted, broken, equal, part, refused, require

_REFUSED_IDS = ("blob_18446744073709551557", "blob_1")


def _create(caller: Caller, sample: Content, idem: str | None = None, **changes: Any) -> str:
    """Call memories_create with inline bytes; `changes` replaces arguments by name."""
    arguments: dict[str, Any] = {
        "bytes": sample.data,
        "blob_ref": None,
        "location": None,
        "storage_key": None,
        "url": None,
        "size": None,
        "hash": None,
        "metadata": asset_metadata(sample),
    } | changes
    return str(caller.backend.memories_create(caller.capsule, *arguments.values(), idem or caller.idem()))


@check("ME1")
def exactly_one_asset(context: CheckContext) -> None:
    """Exactly one of bytes, blob_ref and external location makes a memory."""
    alice = context.caller()
    sample = content(100)
    ref = BlobRef(locator=alice.upload(sample), hash=sample.sha256, len=sample.size)
    outside: dict[str, Any] = {
        "location": BlobHosting.S3,
        "storage_key": "key",
        "size": sample.size,
        "hash": sample.sha256,
    }
    cases: list[tuple[str, dict[str, Any]]] = [
        ("no asset at all", {"bytes": None}),
        ("bytes and a blob", {"blob_ref": ref}),
        ("bytes and an external location", outside),
        ("a blob and an external location", {"bytes": None, "blob_ref": ref, **outside}),
    ]
    for what, changes in cases:
        with refused(f"memories_create with {what}", "InvalidArgument"):
            _create(alice, sample, **changes)
    for what, changes in (
        ("bytes", {}),
        ("a blob", {"bytes": None, "blob_ref": ref}),
        ("an external location", {"bytes": None, **outside}),
    ):
        with part():
            accepted(f"memories_create with {what}", partial(_create, alice, sample, **changes))


@check("ME1")
def consistency_is_enforced(context: CheckContext) -> None:
    """Lengths and hashes that contradict each other are refused."""
    alice = context.caller()
    sample, other = content(100), content(101)
    locator = alice.upload(sample)
    wrong_len = BlobRef(locator=locator, hash=sample.sha256, len=sample.size + 1)
    wrong_hash = BlobRef(locator=locator, hash=bytes(32), len=sample.size)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("metadata of another length", {"metadata": asset_metadata(other)}),
        ("a blob_ref of another length", {"bytes": None, "blob_ref": wrong_len}),
        ("a blob_ref with another hash", {"bytes": None, "blob_ref": wrong_hash}),
        (
            "a blob_ref and metadata of another length",
            {"bytes": None, "blob_ref": wrong_len, "metadata": _of_length(sample, sample.size + 1)},
        ),
        ("an external location without storage key", {"bytes": None, "location": BlobHosting.S3}),
    ]
    for what, changes in cases:
        with refused(f"memories_create with {what}", "InvalidArgument", "Conflict"):
            _create(alice, sample, **changes)


def _of_length(sample: Content, size: int) -> AssetMetadata:
    """Describe `sample` truthfully but for its length."""
    told = asset_metadata(sample).value
    base = told.base.model_copy(update={"bytes": size})
    return AssetMetadataImage(value=ImageAssetMetadata(base=base))


@check("ME2")
def inline_limits_are_kept(context: CheckContext) -> None:
    """Inline bytes above inline_max are refused, and so is what exceeds the capsule's inline budget."""
    alice = context.caller()
    limit = alice.config.inline_max
    with refused(f"{limit + 1} inline bytes", "InvalidArgument", "ResourceExhausted"):
        _create(alice, content(limit + 1))
    budget = alice.config.inline_budget_per_capsule
    size = min(limit, budget)
    filler = context.in_bulk(alice)
    for number in range(budget // size + 1):
        try:
            _create(filler, content(size, number))
        except BackendError as error:
            require(error.tag in ("ResourceExhausted", "InvalidArgument"), f"refused with {error.message}")
            return
    raise broken(
        f"{budget} inline bytes are the budget, and more are stored", "The capsule grows without end."
    )


@check("ME3")
def blobs_must_be_ones_own(context: CheckContext) -> None:
    """A memory references only blobs that exist and that the caller owns."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    sample = content(500)
    theirs = alice.upload(sample)
    for what, locator in [(f"the unknown {id_}", id_) for id_ in _REFUSED_IDS] + [
        ("another caller's blob", theirs)
    ]:
        with refused(
            f"a memory of {what}",
            "NotFound",
            "Unauthorized",
            "InvalidArgument",
            meaning="Who learns a locator can take over the photo through a memory of their own.",
        ):
            mallory.remember_blob(locator, sample)
        ref = BlobRef(locator=locator, hash=sample.sha256, len=sample.size)
        with refused(f"memories_create of {what}", "NotFound", "Unauthorized", "InvalidArgument"):
            _create(mallory, sample, bytes=None, blob_ref=ref)


@check("ME4")
def idem_gives_the_same_memory(context: CheckContext) -> None:
    """The same idem returns the same memory for the same content, a Conflict for other content."""
    alice, bob = context.caller("alice"), context.caller("bob")
    sample, other = content(300), content(300, "other")
    first = _create(alice, sample, "one")
    with part():
        again = accepted("the same create again", lambda: _create(alice, sample, "one"))
        equal(again, first, "the memory of the same create", "A lost reply makes the photo appear twice.")
    with refused(
        "the same idem with other content", "Conflict", meaning="The second photo is silently dropped."
    ):
        _create(alice, other, "one")
    elsewhere = accepted("the same idem in another capsule", lambda: _create(bob, sample, "one"))
    require(elsewhere != first, "two capsules share a memory id")
    require(
        alice.backend.memories_read(first).capsule_id == alice.capsule, "the memory moved to another capsule"
    )


@check("ME5")
def four_assets_are_stored(context: CheckContext) -> None:
    """Original, Display, Thumbnail and Placeholder keep true length and hash, and are summed up."""
    alice = context.caller()
    blobs = {kind: content(size, kind) for kind, size in _BLOB_ASSETS.items()}
    placeholder = content(200, "placeholder")
    inputs = [blob_asset(alice.upload(sample), sample, kind) for kind, sample in blobs.items()]
    memory_id = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, memory_metadata(), inputs, alice.idem()
    )
    memory = alice.backend.memories_read(memory_id)
    _ids_differ(memory)
    for asset in memory.blob_internal_assets:
        base = asset.metadata.value.base
        sample = blobs[base.asset_type]
        equal(asset.blob_ref.len, sample.size, f"BlobRef.len of {base.asset_type.value}")
        equal(asset.blob_ref.hash, sample.sha256, f"BlobRef.hash of {base.asset_type.value}")
        equal(alice.read(asset.blob_ref.locator), sample.data, f"the bytes of {base.asset_type.value}")
    sizes = sum(sample.size for sample in blobs.values())
    equal(memory.metadata.total_size, sizes, "total_size of three blobs")
    alice.backend.memories_add_inline_asset(memory_id, inline_asset(placeholder), alice.idem())
    memory = alice.backend.memories_read(memory_id)
    _ids_differ(memory)
    equal([asset.bytes for asset in memory.inline_assets], [placeholder.data], "the inline placeholder")
    equal(memory.metadata.asset_count, 4, "asset_count")
    equal(memory.metadata.total_size, placeholder.size + sizes, "total_size")


def _ids_differ(memory: Any) -> None:
    ids = [asset.asset_id for asset in (*memory.blob_internal_assets, *memory.inline_assets)]
    require(
        len(set(ids)) == len(ids),
        f"{len(ids)} assets of a memory have {len(set(ids))} asset ids",
        "An asset that is asked for or removed by its id is another one.",
    )


_BLOB_ASSETS = {AssetType.Original: 5000, AssetType.Display: 3000, AssetType.Thumbnail: 1000}


@check("ME6")
def adding_twice_adds_once(context: CheckContext) -> None:
    """Adding an asset again with the same idem returns the same asset and adds nothing."""
    alice = context.caller()
    memory, _ = alice.remember(content(500))
    blob = blob_asset(alice.upload(content(400, "display")), content(400, "display"), AssetType.Display)
    small = inline_asset(content(50, "placeholder"))
    blobs = [alice.backend.memories_add_asset(memory, blob, "add-blob") for _ in range(2)]
    inline = [alice.backend.memories_add_inline_asset(memory, small, "add-inline") for _ in range(2)]
    require(len(set(blobs)) == len(set(inline)) == 1, "an asset that was added again has another id")
    read = alice.backend.memories_read(memory)
    counts = (len(read.blob_internal_assets), len(read.inline_assets))
    equal(counts, (2, 1), "blob and inline assets after each was added twice", "Retries multiply assets.")


@check("ME7")
def strangers_cannot_write(context: CheckContext) -> None:
    """Creating in, or adding to, another caller's capsule is refused."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    memory, _ = alice.remember(content(500))
    own = content(100, "mallory")
    asset = blob_asset(mallory.upload(own), own)
    tags = ("NotFound", "Unauthorized")
    meaning = "Other callers can add pictures to your archive."
    for other_caller in (mallory, context.anonymous()):
        backend = other_caller.backend
        with refused("an inline memory in another's capsule", *tags, meaning=meaning):
            backend.memories_create(
                alice.capsule, own.data, None, None, None, None, None, None, asset_metadata(own), "y"
            )
        for what, method, arguments in (
            (
                "a memory in another's capsule",
                "memories_create_with_internal_blobs",
                [alice.capsule, memory_metadata(), [asset], "x"],
            ),
            ("an asset added to another's memory", "memories_add_asset", [memory, asset, "z"]),
            (
                "an inline asset added to another's memory",
                "memories_add_inline_asset",
                [memory, inline_asset(own), "w"],
            ),
        ):
            if other_caller.can(method):
                with refused(what, *tags, meaning=meaning):
                    getattr(backend, method)(*arguments)


@check("ME8")
def makers_and_times_are_not_forged(context: CheckContext) -> None:
    """Creator, upload time and update time of a memory are set by the canister, not by callers."""
    alice, bob = context.caller("alice"), context.caller("bob")
    sample = content(100)
    forged = memory_metadata("forged").model_copy(
        update={"created_by": str(bob.principal), "uploaded_at": 1, "updated_at": 1}
    )
    memory = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, forged, [blob_asset(alice.upload(sample), sample)], alice.idem()
    )
    made: MemoryMetadata = alice.backend.memories_read(memory).metadata
    _true_maker_and_times(alice, made, "after its creation")
    alice.backend.memories_update(memory, MemoryUpdateData(metadata=forged))
    changed: MemoryMetadata = alice.backend.memories_read(memory).metadata
    _true_maker_and_times(alice, changed, "after memories_update")
    equal(changed.uploaded_at, made.uploaded_at, "uploaded_at after memories_update")


def _true_maker_and_times(maker: Caller, metadata: MemoryMetadata, when: str) -> None:
    meaning = "Any caller can present a photo as another user's, or as older than it is."
    equal(metadata.created_by, str(maker.principal), f"created_by of a memory {when}", meaning)
    for name in ("uploaded_at", "updated_at"):
        told = getattr(metadata, name)
        require(told > NOW_NS, f"{name} of a memory {when} is {told}, as its caller said", meaning)
