"""An upgrade from each earlier build: everything that was stored is found, and what was half done goes on."""

from __future__ import annotations

import pytest

from ic_capsule.backend import (
    AssetType,
    BlobHosting,
    HttpRequest,
    Memory,
    QuotasUpdate,
    reference_did,
    reference_wasm,
)
from ic_capsule.suite.sample_data import asset_metadata, blob_asset, content, inline_asset, memory_metadata
from ic_harness import candid
from ic_harness.errors import BackendError, RejectError

CHUNK = 100_000
MANY = 210
PHOTO = {
    kind: content(size, kind)
    for kind, size in (("Original", 350_001), ("Display", 90_000), ("Thumbnail", 900))
}
SMALL = content(500, "placeholder")


@pytest.fixture
def photo(earlier):
    """The id of a memory of four assets on the earlier build, and the locators of its blobs by kind."""
    alice = earlier.caller("alice")
    locators = {kind: alice.upload(material, CHUNK) for kind, material in PHOTO.items()}
    return make_photo(alice, locators), locators


def make_photo(alice, locators):
    """Ask for the memory of these blobs; the request is the same each time."""
    blobs = [blob_asset(locators[kind], material, AssetType[kind]) for kind, material in PHOTO.items()]
    return alice.backend.memories_create_with_internal_blobs_and_inline_assets(
        alice.capsule, memory_metadata("Before"), blobs, [inline_asset(SMALL)], "photo"
    )


def memories_of(caller):
    """All memories of the caller's capsule by id, in the order of making."""
    found: dict[str, Memory] = {}
    cursor = None
    while True:
        page = caller.backend.memories_list(caller.capsule, cursor, 100)
        found |= {row.id: caller.backend.memories_read(row.id) for row in page.items}
        if (cursor := page.next_cursor) is None:
            return found


def test_a_photo_is_the_same(earlier, photo):
    """Capsule, memory, assets and bytes are what they were, and belong to whom they belonged."""
    memory, locators = photo
    alice, mallory = earlier.caller("alice"), earlier.caller("mallory")
    before = (alice.backend.capsules_read_full(None), alice.backend.memories_read(memory))
    earlier.upgrade()
    assert (alice.backend.capsules_read_full(None), alice.backend.memories_read(memory)) == before
    assert {kind: alice.read(locator) for kind, locator in locators.items()} == {
        kind: material.data for kind, material in PHOTO.items()
    }
    with pytest.raises(BackendError, match="NotFound"):
        mallory.backend.memories_read(memory)


def test_a_half_sent_upload_is_finished(earlier):
    """Chunks that came before the upgrade, in order and ahead of a gap, count with those that come after it."""
    alice = earlier.caller("alice")
    material = content(4 * CHUNK - 7, "half")
    chunks = material.chunks(CHUNK)
    session = alice.begin(len(chunks), "half")
    alice.put(session, chunks, [0, 2])
    earlier.upgrade()
    assert alice.begin(len(chunks), "half") == session
    assert [(gap.start, gap.end) for gap in alice.backend.uploads_status(session).missing] == [(1, 2), (3, 4)]
    alice.put(session, chunks, [3, 1])
    assert alice.read(alice.finish(session, material).blob_id) == material.data


def test_what_was_asked_before_is_not_done_twice(earlier, photo):
    """Idems and receipts of the earlier build are remembered."""
    alice = earlier.caller("alice")
    material = content(10, "receipt")
    session = alice.begin(1, "receipt")
    alice.put(session, [material.data])
    locator = alice.finish(session, material).blob_id
    earlier.upgrade()
    assert alice.finish(session, material).blob_id == locator
    assert alice.begin(1, "receipt") == session
    memory, locators = photo
    assert make_photo(alice, locators) == memory
    with pytest.raises(BackendError, match="Conflict"):
        alice.backend.memories_create_with_internal_blobs(
            alice.capsule, memory_metadata("other"), [blob_asset(locator, material)], "photo"
        )


def test_every_kind_of_request_is_known_again(earlier, photo):
    """A request whose reply was lost before the upgrade gets the same id after it, whatever made the thing."""
    memory, locators = photo
    alice = earlier.caller("alice")
    own, display = alice.backend, blob_asset(locators["Display"], PHOTO["Display"], AssetType.Display)
    requests = [
        lambda: own.memories_create(
            alice.capsule, SMALL.data, None, None, None, None, None, None, asset_metadata(SMALL), "inline"
        ),
        lambda: own.memories_create(
            alice.capsule, None, None, BlobHosting.S3, "key", "https://x", 500, SMALL.sha256,
            asset_metadata(SMALL), "external",
        ),
        lambda: own.memories_create_with_internal_blobs(alice.capsule, memory_metadata(), [display], "blobs"),
        lambda: own.memories_add_asset(memory, display, "asset"),
        lambda: own.memories_add_inline_asset(memory, inline_asset(SMALL), "inline asset"),
    ]  # fmt: skip
    before = [request() for request in requests]
    earlier.upgrade()
    assert [request() for request in requests] == before
    assert own.capsules_read_basic(None).memory_count == 4


def test_records_are_rewritten_in_the_background(earlier, stage_on, network):
    """More records than one message rewrites become cheap to list though no call changes them, and stay equal."""
    alice = earlier.caller("alice")
    for number in range(MANY):
        material = content(20, number)
        alice.backend.memories_create_with_internal_blobs(
            alice.capsule,
            memory_metadata(f"{number}"),
            [blob_asset(alice.upload(material), material)],
            f"{number}",
        )
    before = memories_of(alice)
    listed = earlier.instructions(lambda: alice.backend.memories_list(alice.capsule, None, 50))
    earlier.upgrade()
    for _ in range(20):
        network.tick()
    assert memories_of(alice) == before
    assert earlier.instructions(lambda: alice.backend.memories_list(alice.capsule, None, 50)) < listed / 3
    hashes = [content(20, number).sha256 for number in range(MANY)]
    found = stage_on(earlier.canister_id).caller("alice").backend.blobs_find(alice.capsule, hashes)
    assert [blob.memory_id for blob in found] == list(before)


def test_tokens_and_quotas_hold(earlier, photo):
    """A token of the earlier build opens what it opened, and quotas stay as they were set."""
    memory, _ = photo
    alice, controller = earlier.caller("alice"), earlier.controller()
    token = alice.backend.mint_http_token(memory, ["thumbnail"], None, 600)
    controller.backend.quotas_update(QuotasUpdate(capsules_per_principal=3, session_ttl_ns=7_000_000_000))
    before = controller.backend.quotas()
    earlier.upgrade()
    assert controller.backend.quotas() == before
    request = HttpRequest(method="GET", url=f"/asset/{memory}/thumbnail?token={token}", headers=[], body=b"")
    assert alice.backend.http_request(request).body == PHOTO["Thumbnail"].data


def test_deleting_frees_what_the_earlier_build_stored(earlier, photo):
    """The books of the earlier build are right: with the memory its blobs go, and the capsule is empty."""
    memory, locators = photo
    alice = earlier.caller("alice")
    earlier.upgrade()
    alice.backend.memories_delete(memory, True)
    for locator in locators.values():
        with pytest.raises(BackendError, match="NotFound"):
            alice.backend.blob_get_meta(locator)
    assert alice.backend.capsules_read_basic(None).memory_count == 0


def test_ids_go_on_where_they_were(earlier):
    """No blob, session or capsule gets an id that the earlier build gave."""
    alice, bob = earlier.caller("alice"), earlier.caller("bob")
    before = [
        (alice.begin(1), alice.upload(content(5, number)), alice.backend.capsules_create(None).id)
        for number in range(3)
    ]
    earlier.upgrade()
    after = [(alice.begin(1), alice.upload(content(5, -number)), bob.capsule) for number in range(1, 4)]
    assert not {part for row in before for part in row} & {part for row in after for part in row}


def test_a_refused_argument_leaves_the_earlier_build(earlier, network):
    """An upgrade whose argument names an impossible quota is refused, and the earlier build goes on as it was."""
    alice = earlier.caller("alice")
    locator = alice.upload(content(10))
    before = network.module_hash(earlier.canister_id)
    service = candid.parse(reference_did())
    assert service.init_args is not None
    argument = candid.encode([{"quotas": {"session_ttl_ns": 0}}], service.init_args)
    with pytest.raises(RejectError, match="session_ttl_ns: expected more than 0"):
        network.install(earlier.canister_id, reference_wasm(), argument, "upgrade")
    assert network.module_hash(earlier.canister_id) == before
    assert alice.read(locator) == content(10).data
