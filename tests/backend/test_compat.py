"""One interface for all generations: calls and values are translated, and what cannot be done is refused."""

from __future__ import annotations

import pytest

from ic_capsule.backend import (
    AssetMetadataBase,
    AssetMetadataImage,
    AssetType,
    ImageAssetMetadata,
    InlineAssetInput,
    MemoryAssetDataInline,
    MemoryMetadata,
    MemoryType,
    MemoryUpdateData,
    SharingStatus,
    open_backend,
)
from ic_harness.errors import BackendError, NotInGenerationError

from .older import CANISTER, PRIVATE, OldCanister, asset, memory

FINISHED = {
    "memory_id": "mem_5", "blob_id": "blob_5535978201241661286", "remote_id": None, "size": 3,
    "checksum_sha256": bytes(32), "storage_backend": {"Icp": None}, "expires_at": None, "uploaded_at": 5,
    "storage_location": "icp://blob/blob_5535978201241661286",
}  # fmt: skip


def image(asset_type=AssetType.Original):
    """Today's metadata of an image."""
    base = AssetMetadataBase(
        name="sea.jpg",
        tags=[],
        asset_type=asset_type,
        bytes=3,
        mime_type="image/jpeg",
        created_at=1,
        updated_at=2,
    )
    return AssetMetadataImage(value=ImageAssetMetadata(base=base))


def old(letter, **answers):
    """A client of a canister of generation `letter`, and that canister."""
    canister = OldCanister(letter, answers=answers)
    return open_backend(canister, CANISTER), canister


@pytest.mark.parametrize("letter", "ab")
def test_begin_carries_metadata_where_it_is_asked_for(letter):
    """A and B get the metadata that is given, or a neutral one; the caller's arguments are today's."""
    backend, canister = old(letter, uploads_begin={"Ok": 7})
    assert backend.begin_upload("capsule_7", 2, "idem", image()) == 7
    assert backend.uploads_begin("capsule_7", 2, "idem") == 7
    (_, sent), (_, neutral) = canister.asked
    assert (sent[0], sent[2:]) == ("capsule_7", (2, "idem"))
    assert sent[1]["Image"]["base"]["name"] == "sea.jpg"
    assert neutral[1]["Document"]["base"]["name"] == "untitled"


@pytest.mark.parametrize("letter", "ch")
def test_begin_without_metadata(letter):
    """C and H get three arguments, whether metadata is given or not."""
    backend, canister = old(letter, uploads_begin={"Ok": 7})
    assert backend.begin_upload("capsule_7", 2, "idem", image()) == backend.uploads_begin(
        "capsule_7", 2, "idem"
    )
    assert {values for _, values in canister.asked} == {("capsule_7", 2, "idem")}


def test_finish_of_a_finds_the_blob():
    """A returns a memory's id only; the locator is read from that memory."""
    blob = {"blob_ref": {"locator": "blob_4", "hash": None, "len": 3}, "metadata": asset()}
    backend, _ = old(
        "a",
        uploads_finish={"Ok": "mem_5"},
        memories_read={"Ok": memory(PRIVATE, blob_internal_assets=[blob])},
    )
    result = backend.uploads_finish(7, b"\x01" * 32, 3)
    assert (result.memory_id, result.blob_id, result.size) == ("mem_5", "blob_4", 3)
    assert (result.checksum_sha256, result.storage_location) == (b"\x01" * 32, "icp://blob/blob_4")


@pytest.mark.parametrize("letter", "bch")
def test_finish_of_the_others(letter):
    """B, C and H return the blob themselves."""
    backend, _ = old(letter, uploads_finish={"Ok": FINISHED})
    assert backend.uploads_finish(7, bytes(32), 3).blob_id == "blob_5535978201241661286"


@pytest.mark.parametrize("letter", "abc")
@pytest.mark.parametrize(("today", "then"), [("Display", "Preview"), ("Placeholder", "Derivative")])
def test_asset_types_are_renamed_both_ways(letter, today, then):
    """Display and Placeholder are Preview and Derivative before H, and come back as what they were."""
    inline = {"asset_id": "a", "bytes": b"abc", "metadata": asset(then)}
    if letter in "ab":
        del inline["asset_id"]
    read = {"Ok": memory(PRIVATE, inline_assets=[inline])}
    backend, canister = old(
        letter, memories_create={"Ok": "mem:1"}, memories_read=read, memories_read_with_assets=read
    )
    none = [None] * 6
    backend.memories_create("capsule_7", b"abc", *none, image(AssetType(today)), "idem")
    assert canister.asked[0][1][8]["Image"]["base"]["asset_type"] == {then: None}
    (stored,) = backend.memories_read("mem:capsule_7:idem").inline_assets
    assert stored.metadata.value.base.asset_type == AssetType(today)


def test_inline_bytes_are_asked_for_where_they_are_left_out():
    """A and B have a method of their own for a memory with its bytes."""
    backend, canister = old("a", memories_read_with_assets={"Ok": memory(PRIVATE)})
    assert backend.memories_read("mem:capsule_7:idem").capsule_id == "capsule_7"
    assert [name for name, _ in canister.asked] == ["memories_read_with_assets"]


PERSON = {"Opaque": "Ada"}


@pytest.mark.parametrize(
    ("access", "status", "expected"),
    [
        (PRIVATE, "Private", []),
        ({"Public": {"owner_secure_code": "secret"}}, "Public", [(None, True, "Immediate")]),
        (
            {"Custom": {"individuals": [PERSON], "groups": ["friends"], "owner_secure_code": "secret"}},
            "Shared",
            [(None, False, "Immediate"), ("friends", False, "Immediate")],
        ),
        (
            {"Scheduled": {"accessible_after": 9, "access": {"Public": {"owner_secure_code": ""}},
                           "owner_secure_code": "secret"}},
            "Public",
            [(None, True, "Scheduled")],
        ),
        (
            {"EventTriggered": {"trigger_event": {"Wedding": None}, "access": {"Public": {"owner_secure_code": ""}},
                                "owner_secure_code": "secret"}},
            "Public",
            [(None, True, "EventTriggered")],
        ),
    ],
)  # fmt: skip
def test_access_becomes_entries(access, status, expected):
    """The access of an older memory becomes access entries, without the owner's secret code."""
    backend, _ = old("c", memories_read={"Ok": memory(access)})
    found = backend.memories_read("mem:capsule_7:idem")
    entries = [
        (entry.source_id, entry.is_public, str(entry.condition.candid_key)) for entry in found.access_entries
    ]
    assert (entries, found.metadata.sharing_status) == (expected, SharingStatus(status))
    assert "secret" not in repr(found)


def header(number):
    return {
        "id": f"mem:capsule_7:{number}", "name": f"name {number}", "memory_type": {"Image": None}, "size": number,
        "created_at": 1, "updated_at": 2, "access": PRIVATE,
    }  # fmt: skip


def test_a_whole_list_is_cut_into_pages():
    """A and B list everything at once; cursor and limit hold nevertheless."""
    listed = {"success": True, "memories": [header(number) for number in range(5)], "message": ""}
    backend, canister = old("b", memories_list=listed)
    first = backend.memories_list("capsule_7", None, 3)
    rest = backend.memories_list("capsule_7", first.next_cursor, 3)
    assert [len(first.items), len(rest.items), rest.next_cursor] == [3, 2, None]
    one = backend.memories_list("capsule_7", None, 0)
    assert (len(one.items), one.next_cursor) == (1, "1"), "pages of a limit of 0 would have no end"
    assert [item.size for item in [*first.items, *rest.items]] == list(range(5))
    assert {item.capsule_id for item in first.items} == {"capsule_7"}
    assert canister.asked[0][1] == ("capsule_7",)


def test_pages_of_c():
    """C pages itself; its thinner headers are filled up."""
    backend, canister = old("c", memories_list={"Ok": {"items": [header(1)], "next_cursor": "1"}})
    page = backend.memories_list("capsule_7", "0", 1)
    assert (page.next_cursor, page.items[0].capsule_id, page.items[0].assets.original) == (
        "1",
        "capsule_7",
        None,
    )
    assert canister.asked[0][1] == ("capsule_7", "0", 1)


def operation(success, message=""):
    return {"success": success, "memory_id": None, "message": message}


@pytest.mark.parametrize(
    ("message", "tag"),
    [("Memory not found", "NotFound"), ("Unauthorized access", "Unauthorized"), ("Conflict", "Internal")],
)
def test_failures_in_words_become_errors(message, tag):
    """`success = false` of A and B is raised as the error it describes."""
    backend, _ = old(
        "a", memories_delete=operation(False, message), memories_update=operation(False, message)
    )
    for call in (
        lambda: backend.memories_delete("mem_5", False),
        lambda: backend.memories_update("mem_5", MemoryUpdateData(name="new")),
    ):
        with pytest.raises(BackendError) as caught:
            call()
        assert caught.value.tag == tag


def test_success_in_words():
    """`success = true` of A and B is an answer like any other."""
    backend, canister = old(
        "a",
        memories_delete=operation(True),
        memories_update=operation(True),
        memories_read_with_assets={"Ok": memory(PRIVATE)},
    )
    assert backend.memories_delete("mem_5", False) is None
    assert backend.memories_update("mem_5", MemoryUpdateData(name="new")).metadata.title == "Sea"
    assert canister.asked[0] == ("memories_delete", ("mem_5",))


def test_bare_bytes_become_an_asset():
    """The bare bytes that A and B return are completed from the memory's metadata."""
    inline = {"bytes": b"", "metadata": asset(sha256=b"\x02" * 32)}
    backend, _ = old(
        "b", memories_read_asset={"Ok": b"abc"}, memories_read={"Ok": memory(PRIVATE, inline_assets=[inline])}
    )
    completed = backend.memories_read_asset("mem_5", 0)
    assert isinstance(completed, MemoryAssetDataInline)
    assert (completed.value.bytes, completed.value.content_type, completed.value.sha256) == (
        b"abc",
        "image/jpeg",
        b"\x02" * 32,
    )


def test_metadata_of_a_memory_goes_without_sums():
    """C has no fields for what H computes: they are left out."""
    metadata = MemoryMetadata(
        memory_type=MemoryType.Image, content_type="image/jpeg", created_at=1, updated_at=2, uploaded_at=3, tags=[],
        database_storage_edges=[], shared_count=0, sharing_status=SharingStatus.Private, total_size=0, asset_count=0,
    )  # fmt: skip
    backend, canister = old("c", memories_create_with_internal_blobs={"Ok": "mem:1"})
    assert backend.memories_create_with_internal_blobs("capsule_7", metadata, [], "idem") == "mem:1"
    assert "total_size" not in canister.asked[0][1][1]


@pytest.mark.parametrize(
    ("letter", "call", "text"),
    [
        ("a", lambda b: b.blob_delete("blob_1"), "generation A has no blob_delete; generations C and H can"),
        ("b", lambda b: b.memories_delete("mem_5", True), "memories_delete with its assets; generations C and H"),
        ("c", lambda b: b.memories_add_inline_asset("m", InlineAssetInput(bytes=b"", metadata=image()), "i"),
         "generation C has no memories_add_inline_asset; generation H can"),
        ("c", lambda b: b.memories_update("m", MemoryUpdateData(access_entries=[])), "no access_entries"),
        ("h", lambda b: b.uploads_status(7), "generation H has no uploads_status; only the reference backend can"),
    ],
)  # fmt: skip
def test_what_a_generation_cannot_do(letter, call, text):
    """The error names method, generation and who can; nothing was sent."""
    backend, canister = old(letter)
    with pytest.raises(NotInGenerationError, match=text) as caught:
        call(backend)
    assert caught.value.generation == letter.upper()
    assert caught.value.canister == CANISTER
    assert canister.asked == []
