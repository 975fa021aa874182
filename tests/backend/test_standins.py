"""The stand-ins have the signatures of their generation, and the faults that are known of it."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest

from ic_capsule.backend import (
    AssetMetadataBase,
    AssetMetadataDocument,
    AssetType,
    DocumentAssetMetadata,
    Generation,
    InternalBlobAssetInput,
    MemoryMetadata,
    MemoryType,
    MemoryUpdateData,
    PersonRefOpaque,
    SharingStatus,
    blob_of_session,
    open_backend,
    reference_wasm,
)
from ic_capsule.backend.generations import interface_did
from ic_harness import candid
from ic_harness.errors import BackendError, NotInGenerationError, RejectError

DATA = b"a small file"
DIGEST = hashlib.sha256(DATA).digest()


@pytest.fixture
def standin(network, identity, request):
    """Deploy a stand-in: `standin("h")` is a client of the test's own caller."""
    folder = request.config.rootpath / "fixtures" / "canisters" / "generations"

    def deploy(letter):
        canister = network.deploy((folder / f"{letter}.wasm.gz").read_bytes())
        return open_backend(network.agent(identity()), canister)

    return deploy


@pytest.fixture
def stranger(network, identity):
    """Make a client of the same backend for somebody else."""
    return lambda backend: open_backend(network.agent(identity("stranger")), backend.canister_id)


def begin(backend, chunks=1, idem="idem"):
    return backend.uploads_begin(backend.capsules_create(None).id, chunks, idem)


def stored(backend, idem="idem"):
    """Upload the small file and give what finish told."""
    session = begin(backend, idem=idem)
    backend.uploads_put_chunk(session, 0, DATA)
    return backend.uploads_finish(session, DIGEST, len(DATA))


def document(data=DATA):
    base = AssetMetadataBase(
        name="A note", tags=[], asset_type=AssetType.Original, bytes=len(data), mime_type="text/plain",
        created_at=1, updated_at=2,
    )  # fmt: skip
    return AssetMetadataDocument(value=DocumentAssetMetadata(base=base))


def note(backend, idem="idem"):
    """Make a memory with inline bytes and give its id."""
    capsule = backend.capsules_create(None).id
    return backend.memories_create(capsule, DATA, *[None] * 6, document(), idem)


@pytest.mark.parametrize("letter", "abch")
def test_interface_is_told_and_true(standin, request, letter):
    """Each stand-in is recognized by its certified interface, and has exactly the methods that this one names."""
    backend = standin(letter)
    assert backend.profile is not None
    assert (backend.profile.generation, backend.profile.source) == (letter.upper(), "candid:service")
    assert backend.upload_config().chunk_size == (65_536 if letter == "a" else 1_800_000)
    packed = request.config.rootpath / "fixtures" / "canisters" / "generations" / f"{letter}.wasm.gz"
    exported = re.findall(rb"canister_(update|query) ([a-z_0-9]+)", gzip.decompress(packed.read_bytes()))
    told = candid.parse(interface_did(Generation(letter.upper()))).methods.values()
    assert set(exported) == {(method.mode.encode(), method.name.encode()) for method in told}


@pytest.mark.parametrize(("session", "number"), [
    (1, 5535978201241661286), (2, 9046547090427919786), (3, 12286345354415549334), (7, 11410754707272541975),
])  # fmt: skip
def test_blob_of_session(session, number):
    """The number of a blob follows from the number of its session as observed."""
    assert blob_of_session(session).number == number


@pytest.mark.parametrize(("letter", "locator"), [
    ("a", "blob_1"), ("b", "blob_5535978201241661286"), ("c", "blob_5535978201241661286"),
    ("h", "blob_5535978201241661286"),
])  # fmt: skip
def test_upload_of_a_small_file(standin, letter, locator):
    """A file goes in and comes out; its locator is as observed, and only A and B make a memory of it."""
    backend = standin(letter)
    done = stored(backend)
    assert (done.blob_id, done.size, bool(done.memory_id)) == (locator, len(DATA), letter in "ab")
    assert backend.blob_read(locator) == DATA
    assert backend.blob_read_chunk(locator, 9) == b""
    assert backend.blob_get_meta(locator).chunk_count == 1


@pytest.mark.parametrize(("idem", "memory_id"), [
    ("", "30406ea5-23c5-3def-3040-000000003def"), ("test", "c7dedb46-32ee-c24c-c7de-00000000c24c"),
    ("idem-1", "cf071aca-2740-6b24-cf07-000000006b24"),
])  # fmt: skip
def test_memory_ids_of_h(standin, idem, memory_id):
    """H makes a memory's id of the idem alone, as observed; the first content wins."""
    assert note(standin("h"), idem) == memory_id


@pytest.mark.parametrize("letter", "abc")
def test_memory_ids_before_h(standin, letter):
    """Before H the id names capsule and idem; the memory reads back in today's words."""
    backend = standin(letter)
    capsule = backend.capsules_create(None).id
    found = backend.memories_read(note(backend))
    assert (found.id, found.capsule_id) == (f"mem:{capsule}:idem", capsule)
    assert found.inline_assets[0].bytes == DATA
    assert (found.metadata.asset_count, found.metadata.sharing_status) == (1, SharingStatus.Private)
    (header,) = backend.memories_list(capsule, None, None).items
    assert (header.id, header.capsule_id, header.title) == (found.id, capsule, "A note")


@pytest.mark.parametrize("letter", "bch")
def test_hash_depends_on_order(standin, letter):
    """Chunks out of order spoil the rolling hash, though every byte is there."""
    backend = standin(letter)
    session = begin(backend, 2)
    backend.uploads_put_chunk(session, 1, DATA[6:])
    backend.uploads_put_chunk(session, 0, DATA[:6])
    with pytest.raises(BackendError, match="checksum_mismatch: computed="):
        backend.uploads_finish(session, DIGEST, len(DATA))


def test_hash_of_a_does_not(standin):
    """A hashes pages in their order at finish, and keeps the session when the hash is wrong."""
    backend = standin("a")
    session = begin(backend, 2)
    backend.uploads_put_chunk(session, 1, DATA[6:])
    backend.uploads_put_chunk(session, 0, b"other!")
    with pytest.raises(BackendError, match="checksum_mismatch: expected="):
        backend.uploads_finish(session, DIGEST, len(DATA))
    backend.uploads_put_chunk(session, 0, DATA[:6])
    assert backend.uploads_finish(session, DIGEST, len(DATA)).blob_id == "blob_1"


@pytest.mark.parametrize("letter", "bch")
def test_a_chunk_sent_twice_spoils_the_hash(standin, letter):
    """The second one is refused, but its bytes are in the hash."""
    backend = standin(letter)
    session = begin(backend)
    backend.uploads_put_chunk(session, 0, DATA)
    with pytest.raises(BackendError, match="Chunk already received"):
        backend.uploads_put_chunk(session, 0, DATA)
    with pytest.raises(BackendError, match="checksum_mismatch"):
        backend.uploads_finish(session, DIGEST, len(DATA))


@pytest.mark.parametrize("letter", "bch")
def test_a_stranger_spoils_the_hash(standin, stranger, letter):
    """A stranger's chunk is refused, and yet the owner cannot finish any more."""
    backend = standin(letter)
    session = begin(backend)
    backend.uploads_put_chunk(session, 0, DATA)
    with pytest.raises(BackendError, match="Unauthorized"):
        stranger(backend).uploads_put_chunk(session, 0, b"x")
    with pytest.raises(BackendError, match="checksum_mismatch"):
        backend.uploads_finish(session, DIGEST, len(DATA))


@pytest.mark.parametrize("letter", "abch")
def test_anybody_reads_blobs(standin, stranger, letter):
    """No generation looks who reads a blob."""
    backend = standin(letter)
    assert stranger(backend).blob_read(stored(backend).blob_id) == DATA


@pytest.mark.parametrize("letter", "bch")
def test_a_short_hash_traps(standin, letter):
    """From B on a wrong hash of fewer than eight bytes traps; at A the length is checked."""
    backend = standin(letter)
    session = begin(backend)
    backend.uploads_put_chunk(session, 0, DATA)
    with pytest.raises(RejectError, match="IC0503"):
        backend.uploads_finish(session, b"short", len(DATA))


@pytest.mark.parametrize("letter", "abch")
def test_what_an_upgrade_keeps(standin, network, request, letter):
    """Memories stay; blobs and open sessions are gone, and from B on numbers begin anew."""
    backend = standin(letter)
    blob, memory_id = stored(backend).blob_id, note(backend, "kept")
    session = begin(backend, idem="open")
    backend.uploads_put_chunk(session, 0, DATA)
    folder = request.config.rootpath / "fixtures" / "canisters" / "generations"
    network.install(backend.canister_id, (folder / f"{letter}.wasm.gz").read_bytes(), mode="upgrade")
    assert backend.memories_read(memory_id).inline_assets[0].bytes == DATA
    with pytest.raises(BackendError, match="NotFound"):
        backend.blob_read(blob)
    with pytest.raises(BackendError, match="NotFound"):
        backend.uploads_finish(session, DIGEST, len(DATA))
    assert stored(backend, "again").blob_id == ("blob_2" if letter == "a" else blob)


@pytest.mark.parametrize("letter", "ab")
def test_a_memory_with_a_blob_cannot_be_deleted(standin, letter):
    """A and B refuse it in the observed words; a memory of inline bytes goes."""
    backend = standin(letter)
    done = stored(backend)
    with pytest.raises(
        BackendError, match=rf'Failed to delete memory: InvalidArgument\("Invalid blob ID: {done.blob_id}"'
    ):
        backend.memories_delete(done.memory_id, delete_assets=False)
    backend.memories_read(done.memory_id)
    inline = note(backend, "inline")
    backend.memories_delete(inline, delete_assets=False)
    with pytest.raises(BackendError, match="NotFound"):
        backend.memories_read(inline)


@pytest.mark.parametrize("letter", "ch")
def test_every_capsule_is_read(standin, network, letter):
    """With 20 capsules of others a list and a create cost about 100 million instructions."""
    backend = standin(letter)
    capsule = backend.capsules_create(None).id
    for number in range(19):
        backend.capsules_create(PersonRefOpaque(value=f"person {number}"))
    for call in (lambda: backend.memories_list(capsule, None, None), lambda: backend.capsules_create(None)):
        before = network.instructions(backend.canister_id)
        call()
        assert 60e6 < network.instructions(backend.canister_id) - before < 150e6


def test_lists_of_h_are_fragile(standin):
    """A cursor past the end and a memory without access entries trap; a second capsule is not listed."""
    backend = standin("h")
    capsule, memory_id = backend.capsules_create(None).id, note(backend, "one")
    backend.capsules_create(PersonRefOpaque(value="somebody"))
    assert [row.id for row in backend.capsules_list()] == [capsule]
    with pytest.raises(RejectError, match="IC0503"):
        backend.memories_list(capsule, "5", None)
    backend.memories_update(memory_id, MemoryUpdateData(access_entries=[]))
    with pytest.raises(RejectError, match="IC0503"):
        backend.memories_list(capsule, None, None)


@pytest.mark.parametrize(("letter", "most"), [("a", 10), ("b", 100), ("c", 100), ("h", 100)])
def test_open_sessions_are_limited_and_never_expire(standin, clock, letter, most):
    """So many sessions fit, and a day later they are still there."""
    backend = standin(letter)
    for number in range(most):
        begin(backend, idem=str(number))
    clock.advance(24 * 3600)
    with pytest.raises(BackendError, match="ResourceExhausted"):
        begin(backend, idem="one more")


@pytest.mark.parametrize("letter", "bch")
def test_sessions_are_told_to_everybody(standin, stranger, letter):
    """List and statistics are open to strangers, in the observed words."""
    backend = standin(letter)
    begin(backend)
    stored(backend, "other")
    other = stranger(backend)
    assert other.sessions_stats() == "Total sessions: 2, Pending: 1, Committed: 0"
    assert other.sessions_list().startswith("Found 1 sessions:\nSession 1: caller=")
    assert other.sessions_clear_all() == "All sessions cleared"


@pytest.mark.parametrize("letter", "ab")
def test_oldest_updates_fail(standin, letter):
    """A and B cannot change a memory, and tell it in words."""
    backend = standin(letter)
    with pytest.raises(BackendError, match="Internal"):
        backend.memories_update(note(backend), MemoryUpdateData(name="new"))


def memory_metadata():
    return MemoryMetadata(
        memory_type=MemoryType.Document, title="Kept", content_type="text/plain", created_at=1, updated_at=2,
        uploaded_at=3, tags=[], database_storage_edges=[], shared_count=0, sharing_status=SharingStatus.Private,
        total_size=9, asset_count=9,
    )  # fmt: skip


@pytest.mark.parametrize("letter", "ch")
def test_memory_of_blobs(standin, letter):
    """C and H make a memory of blobs; the assets of one call have one id, and removal only says so."""
    backend = standin(letter)
    capsule = backend.capsules_create(None).id
    inputs = [
        InternalBlobAssetInput(blob_id=stored(backend, idem).blob_id, metadata=document())
        for idem in ("one", "two")
    ]
    memory_id = backend.memories_create_with_internal_blobs(capsule, memory_metadata(), inputs, "memory")
    first, second = backend.memories_read(memory_id).blob_internal_assets
    assert first.asset_id == second.asset_id
    assert first.blob_ref.len == 0
    assert backend.asset_remove_internal(memory_id, first.blob_ref.locator).asset_removed
    assert len(backend.memories_list_assets(memory_id).internal_assets) == 2
    backend.memories_delete(memory_id, True)
    with pytest.raises(BackendError, match="NotFound"):
        backend.blob_get_meta(first.blob_ref.locator)


def test_http_of_h(standin):
    """H serves a blob of a memory by a token, and nothing without one."""
    from ic_capsule.backend import HttpRequest

    backend = standin("h")
    capsule = backend.capsules_create(None).id
    blob = InternalBlobAssetInput(blob_id=stored(backend).blob_id, metadata=document())
    memory_id = backend.memories_create_with_internal_blobs(capsule, memory_metadata(), [blob], "memory")
    token = backend.mint_http_token(memory_id, ["original"], None, 60)

    def get(url):
        return backend.http_request(HttpRequest(method="GET", url=url, headers=[], body=b""))

    served = get(f"/asset/{memory_id}/original?token={token}")
    assert (served.status_code, served.body) == (200, DATA)
    assert get("/health").body == b"OK"
    statuses = [
        get(f"/asset/{memory_id}/{rest}").status_code for rest in ("original", f"display?token={token}")
    ]
    assert statuses == [401, 403]
    (header,) = backend.memories_list(capsule, None, None).items
    assert get(f"{header.assets.original.path}?token={header.assets.original.token}").status_code == 200
    assert header.name == "kept"


def test_what_is_missing_is_really_missing(standin, network, identity):
    """A method that a generation does not have is refused by our client, and by the canister itself."""
    backend = standin("b")
    with pytest.raises(NotInGenerationError):
        backend.blob_delete("blob_1")
    with pytest.raises(RejectError, match="IC0536"):
        network.agent(identity()).update(
            backend.canister_id, "blob_delete", candid.encode(["blob_1"], [candid.TEXT])
        )


def without_interface(wasm):
    """The module with its interface where nobody looks for it."""
    return gzip.decompress(wasm).replace(b"icp:public candid:service", b"not:public candid:service")


@pytest.mark.parametrize("letter", "abch")
def test_signs_on_a_real_canister(network, identity, request, letter):
    """Without metadata each stand-in is recognized by its signs, and nothing on it has changed."""
    folder = request.config.rootpath / "fixtures" / "canisters" / "generations"
    canister = network.deploy(without_interface((folder / f"{letter}.wasm.gz").read_bytes()))
    backend = open_backend(network.agent(identity()), canister)
    assert backend.profile is not None
    assert (backend.profile.generation, backend.profile.source) == (letter.upper(), "probe")
    assert stored(backend).blob_id == ("blob_1" if letter == "a" else str(blob_of_session(1)))


def test_signs_of_the_reference(network, identity):
    """Without metadata the reference backend is still known to keep its promises."""
    canister = network.deploy(without_interface(reference_wasm()))
    profile = open_backend(network.agent(identity()), canister).profile
    assert profile is not None
    assert (profile.generation, profile.source, profile.supports_resumable_uploads) == (
        Generation.H,
        "probe",
        True,
    )
