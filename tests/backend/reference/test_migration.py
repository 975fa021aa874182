"""An upgrade from each earlier build: everything that was stored is found, and what was half done goes on."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.backend import AssetType, HttpRequest, QuotasUpdate, reference_did, reference_wasm
from ic_harness.conformance.material import blob_asset, content, inline_asset, memory_metadata
from ic_harness.errors import BackendError, RejectError

CHUNK = 100_000
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
    blobs = [blob_asset(locators[kind], material, AssetType[kind]) for kind, material in PHOTO.items()]
    memory = alice.backend.memories_create_with_internal_blobs_and_inline_assets(
        alice.capsule, memory_metadata("Before"), blobs, [inline_asset(SMALL)], "photo"
    )
    return memory, locators


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
    with pytest.raises(BackendError, match="Conflict"):
        alice.backend.memories_create_with_internal_blobs(
            alice.capsule, memory_metadata("other"), [blob_asset(locator, material)], "photo"
        )


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
    argument = candid.encode([{"quotas": {"session_ttl_ns": 0}}], service.init_args)
    with pytest.raises(RejectError, match="session_ttl_ns: expected more than 0"):
        network.install(earlier.canister_id, reference_wasm(), argument, "upgrade")
    assert network.module_hash(earlier.canister_id) == before
    assert alice.read(locator) == content(10).data
