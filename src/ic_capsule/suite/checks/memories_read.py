"""Checks of MR1 to MR3: what was created reads back, and lists show everything once."""

from __future__ import annotations

from ic_capsule.backend import AssetType, MemoryAssetDataInline, MemoryAssetDataInternalBlob
from ic_capsule.suite.checks.helpers import inline_memory
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import asset_metadata, blob_asset, content, inline_asset, memory_metadata
from ic_harness.testing.assertions import accepted, broken, equal, require

_COMPUTED = {
    "shared_count",
    "sharing_status",
    "total_size",
    "asset_count",
    "uploaded_at",
    "updated_at",
    "created_by",
}


@check("MR1")
def memories_read_back(context: CheckContext) -> None:
    """A memory reads back field by field, and every asset by index and by id."""
    alice = context.caller()
    original, placeholder = content(1500), content(64, "placeholder")
    sent = memory_metadata("Field by field")
    blob = blob_asset(alice.upload(original), original)
    small = inline_asset(placeholder)
    memory_id = alice.backend.memories_create_with_internal_blobs(alice.capsule, sent, [blob], alice.idem())
    inline = [small] if alice.can("memories_add_inline_asset") else []
    for asset in inline:
        alice.backend.memories_add_inline_asset(memory_id, asset, alice.idem())
    memory = alice.backend.memories_read(memory_id)
    equal((memory.id, memory.capsule_id), (memory_id, alice.capsule), "id and capsule")
    for field in set(type(sent).model_fields) - _COMPUTED:
        equal(getattr(memory.metadata, field), getattr(sent, field), f"metadata.{field}")
    equal(
        [asset.metadata for asset in memory.blob_internal_assets],
        [blob.metadata],
        "metadata of the blob asset",
    )
    equal(
        [asset.metadata for asset in memory.inline_assets],
        [asset.metadata for asset in inline],
        "metadata of the inline asset",
    )
    _assets_read_back(alice, memory_id, {original.data, *(asset.bytes for asset in inline)})


def _assets_read_back(caller: Caller, memory_id: str, expected: set[bytes]) -> None:
    memory = caller.backend.memories_read(memory_id)
    ids = [asset.asset_id for asset in [*memory.inline_assets, *memory.blob_internal_assets]]
    by_index = {_bytes_of(caller, caller.backend.memories_read_asset(memory_id, i)) for i in range(len(ids))}
    by_id = {_bytes_of(caller, caller.backend.asset_get_by_id(memory_id, id_)) for id_ in ids}
    equal(by_index, expected, "the assets by index")
    equal(by_id, expected, "the assets by id")


def _bytes_of(caller: Caller, asset: object) -> bytes:
    match asset:
        case MemoryAssetDataInline(value):
            return value.bytes
        case MemoryAssetDataInternalBlob(value):
            return caller.read(value.blob_id)
    raise broken(f"an asset without bytes and blob: {asset!r}")


@check("MR2")
def lists_page_through_everything(context: CheckContext) -> None:
    """Pages show every memory exactly once, in the same order, whatever is added meanwhile."""
    alice = context.caller()
    made = [inline_memory(alice, content(10, number)) for number in range(7)]
    first_pass = _page_through(alice, limit=3)
    equal(sorted(first_pass), sorted(made), "the memories that pages of three show")
    equal(_page_through(alice, limit=3), first_pass, "the order of a second listing")
    # A list in the order of a hash map puts a new memory anywhere: once it may be behind the cursor, always it is not.
    for _ in range(context.sizes.added):
        made += [_added_between_pages(alice, made)]


def _added_between_pages(caller: Caller, made: list[str]) -> str:
    """Add a memory after the first of two pages; what was there before must be on exactly one of them."""
    half = len(made) // 2 + 1
    page = caller.backend.memories_list(caller.capsule, None, half)
    late = inline_memory(caller, content(10, len(made)))
    shown = [row.id for row in page.items]
    rest = _page_through(caller, half, page.next_cursor) if page.next_cursor else []
    require(
        not set(shown) & set(rest), "a memory is on two pages when another is added between them", fatal=True
    )
    require(
        set(made) <= {*shown, *rest},
        "a memory is on no page when another is added between them",
        "Photos vanish from the gallery.",
        fatal=True,
    )
    require({*shown, *rest} <= {*made, late}, "the list shows memories that were not created", fatal=True)
    return late


def _page_through(caller: Caller, limit: int, cursor: str | None = None) -> list[str]:
    seen: list[str] = []
    for _ in range(100):
        page = caller.backend.memories_list(caller.capsule, cursor, limit)
        require(len(page.items) <= limit, f"a page of {limit} has {len(page.items)} rows")
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen
    raise broken("a list has no end: a hundred pages and still a cursor")


@check("MR3")
def odd_memories_do_not_break_lists(context: CheckContext) -> None:
    """Memories without title, with odd texts or with assets of every type are listed like others."""
    alice = context.caller()
    odd = [
        memory_metadata("").model_copy(update={"title": None, "tags": [], "content_type": ""}),
        memory_metadata("🌊" * 200).model_copy(update={"tags": ["", "\x00", "a" * 500]}),
        memory_metadata("../../etc/passwd <b>&").model_copy(update={"parent_folder_id": "nowhere"}),
    ]
    made = []
    for number, metadata in enumerate(odd):
        sample = content(20, number)
        asset = blob_asset(alice.upload(sample), sample, AssetType.Metadata)
        made.append(
            alice.backend.memories_create_with_internal_blobs(alice.capsule, metadata, [asset], alice.idem())
        )
    tiny = content(1)
    made.append(
        alice.backend.memories_create(
            alice.capsule, tiny.data, None, None, None, None, None, None, asset_metadata(tiny, name=""), "odd"
        )
    )
    page = accepted(
        "memories_list with odd memories",
        lambda: alice.backend.memories_list(alice.capsule, None, None),
        "One odd photo hides the whole archive.",
    )
    equal(sorted(row.id for row in page.items), sorted(made), "the odd memories in the list")
