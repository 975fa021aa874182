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
from ic_capsule.suite.material import (
    NOW_NS,
    Content,
    asset_metadata,
    blob_asset,
    content,
    inline_asset,
    memory_metadata,
)
from ic_capsule.suite.stage import Caller, Stage
from ic_harness.errors import BackendError
from ic_harness.testing.expectations import accepted, broken, equal, part, refused, require

_REFUSED_IDS = ("blob_18446744073709551557", "blob_1")


def _create(caller: Caller, material: Content, idem: str | None = None, **changes: Any) -> str:
    """Call memories_create with inline bytes; `changes` replaces arguments by name."""
    arguments: dict[str, Any] = {
        "bytes": material.data,
        "blob_ref": None,
        "location": None,
        "storage_key": None,
        "url": None,
        "size": None,
        "hash": None,
        "metadata": asset_metadata(material),
    } | changes
    return str(caller.backend.memories_create(caller.capsule, *arguments.values(), idem or caller.idem()))


@check("ME1")
def exactly_one_asset(stage: Stage) -> None:
    """Exactly one of bytes, blob_ref and external location makes a memory."""
    alice = stage.caller()
    material = content(100)
    ref = BlobRef(locator=alice.upload(material), hash=material.sha256, len=material.size)
    outside: dict[str, Any] = {
        "location": BlobHosting.S3,
        "storage_key": "key",
        "size": material.size,
        "hash": material.sha256,
    }
    cases: list[tuple[str, dict[str, Any]]] = [
        ("no asset at all", {"bytes": None}),
        ("bytes and a blob", {"blob_ref": ref}),
        ("bytes and an external location", outside),
        ("a blob and an external location", {"bytes": None, "blob_ref": ref, **outside}),
    ]
    for what, changes in cases:
        with refused(f"memories_create with {what}", "InvalidArgument"):
            _create(alice, material, **changes)
    for what, changes in (
        ("bytes", {}),
        ("a blob", {"bytes": None, "blob_ref": ref}),
        ("an external location", {"bytes": None, **outside}),
    ):
        with part():
            accepted(f"memories_create with {what}", partial(_create, alice, material, **changes))


@check("ME1")
def consistency_is_enforced(stage: Stage) -> None:
    """Lengths and hashes that contradict each other are refused."""
    alice = stage.caller()
    material, other = content(100), content(101)
    locator = alice.upload(material)
    wrong_len = BlobRef(locator=locator, hash=material.sha256, len=material.size + 1)
    wrong_hash = BlobRef(locator=locator, hash=bytes(32), len=material.size)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("metadata of another length", {"metadata": asset_metadata(other)}),
        ("a blob_ref of another length", {"bytes": None, "blob_ref": wrong_len}),
        ("a blob_ref with another hash", {"bytes": None, "blob_ref": wrong_hash}),
        (
            "a blob_ref and metadata of another length",
            {"bytes": None, "blob_ref": wrong_len, "metadata": _of_length(material, material.size + 1)},
        ),
        ("an external location without storage key", {"bytes": None, "location": BlobHosting.S3}),
    ]
    for what, changes in cases:
        with refused(f"memories_create with {what}", "InvalidArgument", "Conflict"):
            _create(alice, material, **changes)


def _of_length(material: Content, size: int) -> AssetMetadata:
    """Describe `material` truthfully but for its length."""
    told = asset_metadata(material).value
    base = told.base.model_copy(update={"bytes": size})
    return AssetMetadataImage(value=ImageAssetMetadata(base=base))


@check("ME2")
def inline_limits_are_kept(stage: Stage) -> None:
    """Inline bytes above inline_max are refused, and so is what exceeds the capsule's inline budget."""
    alice = stage.caller()
    limit = alice.config.inline_max
    with refused(f"{limit + 1} inline bytes", "InvalidArgument", "ResourceExhausted"):
        _create(alice, content(limit + 1))
    budget = alice.config.inline_budget_per_capsule
    size = min(limit, budget)
    filler = stage.in_bulk(alice)
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
def blobs_must_be_ones_own(stage: Stage) -> None:
    """A memory references only blobs that exist and that the caller owns."""
    alice, mallory = stage.caller("alice"), stage.caller("mallory")
    material = content(500)
    theirs = alice.upload(material)
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
            mallory.remember_blob(locator, material)
        ref = BlobRef(locator=locator, hash=material.sha256, len=material.size)
        with refused(f"memories_create of {what}", "NotFound", "Unauthorized", "InvalidArgument"):
            _create(mallory, material, bytes=None, blob_ref=ref)


@check("ME4")
def idem_gives_the_same_memory(stage: Stage) -> None:
    """The same idem gives the same memory for the same content, a Conflict for other content."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
    material, other = content(300), content(300, "other")
    first = _create(alice, material, "one")
    with part():
        again = accepted("the same create again", lambda: _create(alice, material, "one"))
        equal(again, first, "the memory of the same create", "A lost reply makes the photo appear twice.")
    with refused(
        "the same idem with other content", "Conflict", meaning="The second photo is silently dropped."
    ):
        _create(alice, other, "one")
    elsewhere = accepted("the same idem in another capsule", lambda: _create(bob, material, "one"))
    require(elsewhere != first, "two capsules share a memory id")
    require(
        alice.backend.memories_read(first).capsule_id == alice.capsule, "the memory moved to another capsule"
    )


@check("ME5")
def four_assets_are_stored(stage: Stage) -> None:
    """Original, Display, Thumbnail and Placeholder keep true length and hash, and are summed up."""
    alice = stage.caller()
    blobs = {kind: content(size, kind) for kind, size in _BLOB_ASSETS.items()}
    placeholder = content(200, "placeholder")
    inputs = [blob_asset(alice.upload(material), material, kind) for kind, material in blobs.items()]
    memory_id = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, memory_metadata(), inputs, alice.idem()
    )
    memory = alice.backend.memories_read(memory_id)
    _ids_differ(memory)
    for asset in memory.blob_internal_assets:
        base = asset.metadata.value.base
        material = blobs[base.asset_type]
        equal(asset.blob_ref.len, material.size, f"BlobRef.len of {base.asset_type.value}")
        equal(asset.blob_ref.hash, material.sha256, f"BlobRef.hash of {base.asset_type.value}")
        equal(alice.read(asset.blob_ref.locator), material.data, f"the bytes of {base.asset_type.value}")
    sizes = sum(material.size for material in blobs.values())
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
def adding_twice_adds_once(stage: Stage) -> None:
    """Adding an asset again with the same idem gives the same asset and adds nothing."""
    alice = stage.caller()
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
def strangers_cannot_write(stage: Stage) -> None:
    """Nobody creates in, or adds to, another's capsule."""
    alice, mallory = stage.caller("alice"), stage.caller("mallory")
    memory, _ = alice.remember(content(500))
    own = content(100, "mallory")
    asset = blob_asset(mallory.upload(own), own)
    tags = ("NotFound", "Unauthorized")
    meaning = "Strangers can put pictures into your archive."
    for stranger in (mallory, stage.anonymous()):
        backend = stranger.backend
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
            if stranger.can(method):
                with refused(what, *tags, meaning=meaning):
                    getattr(backend, method)(*arguments)


@check("ME8")
def makers_and_times_are_not_forged(stage: Stage) -> None:
    """Who made a memory, when it was uploaded and when it was changed is told by the canister, not by callers."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
    material = content(100)
    forged = memory_metadata("forged").model_copy(
        update={"created_by": str(bob.principal), "uploaded_at": 1, "updated_at": 1}
    )
    memory = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, forged, [blob_asset(alice.upload(material), material)], alice.idem()
    )
    made: MemoryMetadata = alice.backend.memories_read(memory).metadata
    _true_maker_and_times(alice, made, "after its creation")
    alice.backend.memories_update(memory, MemoryUpdateData(metadata=forged))
    changed: MemoryMetadata = alice.backend.memories_read(memory).metadata
    _true_maker_and_times(alice, changed, "after memories_update")
    equal(changed.uploaded_at, made.uploaded_at, "uploaded_at after memories_update")


def _true_maker_and_times(maker: Caller, metadata: MemoryMetadata, when: str) -> None:
    meaning = "Everybody can pass a photo off as somebody else's, or as older than it is."
    equal(metadata.created_by, str(maker.principal), f"created_by of a memory {when}", meaning)
    for name in ("uploaded_at", "updated_at"):
        told = getattr(metadata, name)
        require(told > NOW_NS, f"{name} of a memory {when} is {told}, as its caller said", meaning)
