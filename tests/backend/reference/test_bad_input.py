"""Bad input to every method: an `Err` that says what is wrong, never a trap, and nothing changed."""

from __future__ import annotations

import pytest

from ic_capsule.backend import (
    AccessConditionImmediate,
    AccessEntry,
    AssetMetadataImage,
    BlobHosting,
    BlobRef,
    CapsuleUpdateData,
    GrantSource,
    ImageAssetMetadata,
    MemoryUpdateData,
    PersonRefOpaque,
    QuotasUpdate,
    ResourceRole,
    ResourceType,
    reference_did,
)
from ic_capsule.suite.sample_data import asset_metadata, blob_asset, content, inline_asset, memory_metadata
from ic_harness import candid
from ic_harness.errors import BackendError, RejectError

from .town import EXTERNAL_KEY, PHOTO, SMALL, Town, get

HUGE = "t" * 1_000_000
TAGS = [f"tag {number}" for number in range(10_000)]
TOP32, TOP64 = 2**32 - 1, 2**64 - 1
UNKNOWN = "00000000-0000-8000-8000-000000000000"
ENTRY = AccessEntry(
    id="e",
    is_public=True,
    grant_source=GrantSource.User,
    role=ResourceRole.Guest,
    perm_mask=1,
    created_at=0,
    updated_at=0,
    condition=AccessConditionImmediate(),
)


@pytest.fixture
def town(stage):
    """A canister with a little of everything."""
    return Town.built(stage)


def asset(**changes):
    """Metadata of the small image with some fields of its base changed."""
    truth = asset_metadata(SMALL).value
    assert isinstance(truth, ImageAssetMetadata)
    return AssetMetadataImage(value=truth.model_copy(update={"base": truth.base.model_copy(update=changes)}))


def memory(**changes):
    """Metadata of a memory with some fields changed."""
    return memory_metadata().model_copy(update=changes)


def create(
    own, capsule, *, data=None, ref=None, where=None, key=None, size=None, sha=None, said=None, idem="bad"
):
    """Call memories_create with what is given."""
    return own.memories_create(capsule, data, ref, where, key, None, size, sha, said or asset(), idem)


def cases(town, own, capsule):
    """Name, call and what the error must say; `own` is whose client it is."""
    with_assets = own.memories_create_with_internal_blobs_and_inline_assets
    inline, blob = inline_asset(SMALL), blob_asset(town.loose, SMALL)
    true, wrong = SMALL.data, BlobRef(locator=town.loose, len=SMALL.size + 1)
    s3, update = BlobHosting.S3, own.memories_update
    yield from {
        "uploads_begin: no chunks": (lambda: own.uploads_begin(capsule, 0, "x"), "expected_chunks_zero"),
        "uploads_begin: too many": (
            lambda: own.uploads_begin(capsule, TOP32, "x"),
            "expected_chunks_too_large",
        ),
        "uploads_begin: huge idem": (lambda: own.uploads_begin(capsule, 1, HUGE), "idem"),
        "uploads_put_chunk: empty": (lambda: own.uploads_put_chunk(town.begun, 0, b""), "chunk is empty"),
        "uploads_put_chunk: index": (lambda: own.uploads_put_chunk(town.begun, TOP32, b"x"), "chunk_index"),
        "uploads_put_chunk: size": (
            lambda: own.uploads_put_chunk(town.begun, 0, bytes(1_800_001)),
            "chunk size",
        ),
        "uploads_finish: hash": (
            lambda: own.uploads_finish(town.complete, b"", PHOTO.size),
            "invalid_hash_length",
        ),
        "uploads_finish: no length": (
            lambda: own.uploads_finish(town.complete, PHOTO.sha256, 0),
            "total_len",
        ),
        "uploads_finish: length": (
            lambda: own.uploads_finish(town.complete, PHOTO.sha256, TOP64),
            "total_len",
        ),
        "uploads_finish: missing": (
            lambda: own.uploads_finish(town.begun, bytes(32), 1),
            "Incomplete chunks",
        ),
        "blob_read: too large": (lambda: own.blob_read(town.photo), "blob_read_chunk"),
        "create: nothing": (lambda: create(own, capsule), "Exactly one asset type"),
        "create: two": (lambda: create(own, capsule, data=true, where=s3), "Exactly one asset type"),
        "create: length": (lambda: create(own, capsule, data=b""), "bytes_len"),
        "create: large": (
            lambda: create(own, capsule, data=bytes(40_000), said=asset(bytes=40_000)),
            "inline_max",
        ),
        "create: hash": (lambda: create(own, capsule, data=true, said=asset(sha256=bytes(32))), "sha256"),
        "create: short hash": (lambda: create(own, capsule, data=true, said=asset(sha256=b"")), "sha256"),
        "create: name": (
            lambda: create(own, capsule, data=true, said=asset(name=HUGE)),
            "metadata.base.name",
        ),
        "create: tags": (
            lambda: create(own, capsule, data=true, said=asset(tags=TAGS)),
            "metadata.base.tags",
        ),
        "create: mime": (lambda: create(own, capsule, data=true, said=asset(mime_type=HUGE)), "mime_type"),
        "create: ref": (lambda: create(own, capsule, ref=wrong), "blob_ref.len"),
        "create: no key": (lambda: create(own, capsule, where=s3), "external_storage_key"),
        "create: key": (lambda: create(own, capsule, where=s3, key=HUGE), "external_storage_key"),
        "create: size": (lambda: create(own, capsule, where=s3, key="k", size=TOP64), "external_size"),
        "create: far hash": (lambda: create(own, capsule, where=s3, key="k", sha=bytes(31)), "external_hash"),
        "create: idem": (lambda: create(own, capsule, data=true, idem=HUGE), "idem"),
        "with assets: none": (lambda: with_assets(capsule, memory(), [], [], "x"), "At least one"),
        "with assets: 65": (lambda: with_assets(capsule, memory(), [blob], [inline] * 64, "x"), "assets"),
        "with assets: title": (
            lambda: with_assets(capsule, memory(title=HUGE), [blob], [], "x"),
            "metadata.title",
        ),
        "with assets: tags": (
            lambda: with_assets(capsule, memory(tags=TAGS), [blob], [], "x"),
            "metadata.tags",
        ),
        "with assets: notes": (
            lambda: with_assets(capsule, memory(memory_notes=HUGE), [blob], [], "x"),
            "notes",
        ),
        "with blobs: locator": (
            lambda: own.memories_create_with_internal_blobs(
                capsule, memory(), [blob_asset(HUGE, SMALL)], "x"
            ),
            "Invalid blob_id",
        ),
        "with blobs: length": (
            lambda: own.memories_create_with_internal_blobs(
                capsule, memory(), [blob_asset(town.loose, PHOTO)], "x"
            ),
            "metadata.base.bytes",
        ),
        "add_asset: bad": (
            lambda: own.memories_add_asset(town.memory, blob_asset("blob_", SMALL), "x"),
            "blob_id",
        ),
        "add_inline: large": (
            lambda: own.memories_add_inline_asset(town.memory, inline_asset(content(32_769)), "x"),
            "inline_max",
        ),
        "add_inline: idem": (lambda: own.memories_add_inline_asset(town.memory, inline, HUGE), "idem"),
        "update: name": (lambda: update(town.memory, MemoryUpdateData(name=HUGE)), "name"),
        "update: tags": (
            lambda: update(town.memory, MemoryUpdateData(metadata=memory(tags=TAGS))),
            "metadata.tags",
        ),
        "update: entries": (
            lambda: update(town.memory, MemoryUpdateData(access_entries=[ENTRY] * 101)),
            "access_entries",
        ),
        "update: entry": (
            lambda: update(
                town.memory,
                MemoryUpdateData(
                    access_entries=[ENTRY.model_copy(update={"person_ref": PersonRefOpaque(value=HUGE)})]
                ),
            ),
            "access_entries.person_ref",
        ),
        "read_asset: index": (lambda: own.memories_read_asset(town.memory, TOP32), "Asset index"),
        "remove_inline: index": (lambda: own.asset_remove_inline(town.memory, TOP32), "Asset index"),
        "list: cursor": (lambda: own.memories_list(capsule, HUGE, TOP32), "cursor"),
        "list_by_capsule: cursor": (lambda: own.memories_list_by_capsule(capsule, "-1", 0), "cursor"),
        "ping: many": (lambda: own.memories_ping([UNKNOWN] * 1_001), "memory_ids"),
        "create_bulk: many": (lambda: own.memories_create_bulk(capsule, [town.input(0)] * 101), "memories"),
        "find: many": (lambda: own.blobs_find(capsule, [bytes(32)] * 1_001), "hashes"),
        "find: hash": (lambda: own.blobs_find(capsule, [bytes(31)]), "hashes"),
        "delete_bulk: many": (lambda: own.memories_delete_bulk(capsule, [UNKNOWN] * 501, True), "memory_ids"),
        "cleanup_bulk: many": (lambda: own.memories_cleanup_assets_bulk([UNKNOWN] * 501), "memory_ids"),
        "capsules_create: subject": (lambda: own.capsules_create(PersonRefOpaque(value=HUGE)), "subject"),
    }.items()


def lookups(town, own, capsule):
    """By method, a call that looks something up, whether it is another's or not there at all."""
    it, locator, session = town.memory, town.loose, town.begun
    update, bind = CapsuleUpdateData(bound_to_neon=True), own.capsules_bind_neon
    blob, inline = blob_asset(locator, SMALL), inline_asset(SMALL)
    return {
        "asset_get_by_id": lambda: own.asset_get_by_id(it, UNKNOWN),
        "asset_remove": lambda: own.asset_remove(it, EXTERNAL_KEY),
        "asset_remove_by_id": lambda: own.asset_remove_by_id(it, UNKNOWN),
        "asset_remove_external": lambda: own.asset_remove_external(it, EXTERNAL_KEY),
        "asset_remove_inline": lambda: own.asset_remove_inline(it, 0),
        "asset_remove_internal": lambda: own.asset_remove_internal(it, town.photo),
        "blob_delete": lambda: own.blob_delete(locator),
        "blob_get_meta": lambda: own.blob_get_meta(locator),
        "blob_read": lambda: own.blob_read(locator),
        "blobs_find": lambda: own.blobs_find(capsule, [SMALL.sha256]),
        "blob_read_chunk": lambda: own.blob_read_chunk(locator, 0),
        "capsules_bind_neon": lambda: bind(ResourceType.Capsule, capsule, True),
        "capsules_bind_neon of a memory": lambda: bind(ResourceType.Memory, it, True),
        "capsules_delete": lambda: own.capsules_delete(capsule),
        "capsules_read_basic": lambda: own.capsules_read_basic(capsule),
        "capsules_read_full": lambda: own.capsules_read_full(capsule),
        "capsules_update": lambda: own.capsules_update(capsule, update),
        "memories_add_asset": lambda: own.memories_add_asset(it, blob, "x"),
        "memories_add_inline_asset": lambda: own.memories_add_inline_asset(it, inline, "x"),
        "memories_cleanup_assets_all": lambda: own.memories_cleanup_assets_all(it),
        "memories_create": lambda: create(own, capsule, data=SMALL.data),
        "memories_create_bulk": lambda: own.memories_create_bulk(capsule, [town.input(0)]),
        "memories_create_with_internal_blobs": lambda: own.memories_create_with_internal_blobs(
            capsule, memory(), [blob], "x"
        ),
        "memories_create_with_internal_blobs_and_inline_assets": lambda: (
            own.memories_create_with_internal_blobs_and_inline_assets(
                capsule, memory(), [blob], [inline], "x"
            )
        ),
        "memories_delete": lambda: own.memories_delete(it, True),
        "memories_delete_all": lambda: own.memories_delete_all(capsule, True),
        "memories_delete_bulk": lambda: own.memories_delete_bulk(capsule, [it], True),
        "memories_list": lambda: own.memories_list(capsule, None, None),
        "memories_list_assets": lambda: own.memories_list_assets(it),
        "memories_list_by_capsule": lambda: own.memories_list_by_capsule(capsule, None, None),
        "memories_read": lambda: own.memories_read(it),
        "memories_read_asset": lambda: own.memories_read_asset(it, 0),
        "memories_update": lambda: own.memories_update(it, MemoryUpdateData(name="x")),
        "quotas_update": lambda: own.quotas_update(QuotasUpdate()),
        "sessions_cleanup_expired": own.sessions_cleanup_expired,
        "sessions_clear_all": own.sessions_clear_all,
        "sessions_list": own.sessions_list,
        "sessions_stats": own.sessions_stats,
        "uploads_abort": lambda: own.uploads_abort(session),
        "uploads_begin": lambda: own.uploads_begin(capsule, 1, "x"),
        "uploads_finish": lambda: own.uploads_finish(session, bytes(32), 1),
        "uploads_put_chunk": lambda: own.uploads_put_chunk(session, 1, b"x"),
        "uploads_status": lambda: own.uploads_status(session),
    }


# They refuse nobody, tell nothing of others, and are tested below.
HARMLESS = {
    "capsules_create", "capsules_list", "http_request", "http_request_streaming_callback", "memories_ping",
    "memories_cleanup_assets_bulk", "mint_http_token", "mint_http_tokens_bulk", "quotas", "upload_config", "whoami",
}  # fmt: skip


def seen(town):
    """Everything that alice and a controller can see of the canister, but for what carries the time."""
    alice, controller = town.stage.caller("alice").backend, town.stage.controller().backend
    return [
        alice.capsules_read_full(None),
        alice.capsules_read_basic(None),
        alice.memories_read(town.memory),
        alice.uploads_status(town.begun),
        alice.uploads_status(town.complete),
        alice.blob_get_meta(town.photo),
        alice.blob_read(town.loose),
        controller.sessions_stats(),
        controller.quotas(),
    ]


def test_every_bad_argument_is_named_and_changes_nothing(town):
    """Wrong lengths, huge texts, ten thousand tags, nothing at all and numbers at their limits are refused by name."""
    alice = town.stage.caller("alice")
    before = seen(town)
    for name, (call, text) in cases(town, alice.backend, alice.capsule):
        with pytest.raises(BackendError) as refusal:
            pytest.fail(f"{name} was accepted: {call()!r}")
        assert refusal.value.tag == "InvalidArgument", name
        assert text in str(refusal.value), f"{name}: {refusal.value}"
        assert len(str(refusal.value)) < 1_000, f"{name}: the text repeats the input"
    assert seen(town) == before


@pytest.mark.parametrize("who", ["mallory", "anonymous"])
def test_other_peoples_things_are_refused(town, who):
    """A stranger and the anonymous caller are refused by every method that takes an id, and change nothing."""
    stranger = town.stage.anonymous() if who == "anonymous" else town.stage.caller(who)
    before = seen(town)
    for name, call in lookups(town, stranger.backend, town.stage.caller("alice").capsule).items():
        with pytest.raises(BackendError) as refusal:
            pytest.fail(f"{name} was accepted: {call()!r}")
        assert refusal.value.tag in {"NotFound", "Unauthorized"}, f"{name}: {refusal.value}"
    assert seen(town) == before


def test_ids_of_nothing_are_refused(town):
    """Empty, huge and unknown ids are `NotFound` or `InvalidArgument` to everybody, whatever the method."""
    alice = town.stage.caller("alice")
    before = seen(town)
    for nothing in ("", HUGE, UNKNOWN, "capsule_1", "blob_1"):
        lost = Town(town.stage, nothing, nothing, nothing, TOP64, TOP64)
        for name, call in lookups(lost, alice.backend, nothing).items():
            if name in {"uploads_abort", "quotas_update"} or name.startswith("sessions_"):
                continue
            with pytest.raises(BackendError) as refusal:
                pytest.fail(f"{name} found something: {call()!r}")
            assert refusal.value.tag in {"NotFound", "InvalidArgument"}, f"{name}: {refusal.value}"
    assert seen(town) == before


def test_the_tables_have_every_method(town):
    """Every method of the interface is among those above, or among those that refuse nobody."""
    methods = set(candid.parse(reference_did()).methods)
    assert {
        name.split()[0] for name in lookups(town, town.stage.anonymous().backend, "")
    } | HARMLESS == methods


def test_harmless_methods_tell_strangers_nothing(town):
    """What refuses nobody answers a stranger with nothing of alice's."""
    mallory = town.stage.caller("mallory").backend
    before = seen(town)
    assert mallory.capsules_list() == []
    assert [
        (row.metadata_present, row.asset_present) for row in mallory.memories_ping([town.memory, HUGE, ""])
    ] == [(False, False)] * 3
    assert mallory.memories_cleanup_assets_bulk([town.memory]).ok == []
    assert mallory.mint_http_tokens_bulk([town.memory, ""], ["original"], None, TOP32) == []
    with pytest.raises(RejectError, match="forbidden"):
        mallory.mint_http_token(town.memory, [HUGE], [HUGE], TOP32)
    assert mallory.http_request(get(f"/asset/{town.memory}/original?token=A.A")).status_code in {400, 403}
    assert seen(town) == before


def test_quotas_must_make_sense(town):
    """A quota that would make the canister useless is refused by name, to controllers too."""
    controller = town.stage.controller().backend
    before = seen(town)
    for name, value in (
        ("session_ttl_ns", 0),
        ("sessions_per_caller_and_capsule", 0),
        ("sessions_per_caller_and_capsule", TOP32),
    ):
        with pytest.raises(BackendError, match=name):
            controller.quotas_update(QuotasUpdate(**{name: value}))
    assert seen(town) == before
