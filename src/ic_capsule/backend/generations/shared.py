"""Overrides that several generations share: current methods in terms of older ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_harness.agent import Flow

from .spec import OlderCalls, Override, Value

_UNTITLED: Final = {
    "Document": {
        "base": {
            "name": "untitled", "tags": [], "asset_type": {"Original": None}, "bytes": 0,
            "mime_type": "application/octet-stream", "created_at": 0, "updated_at": 0,
        },
    },
}  # fmt: skip
"""What generations A and B receive at begin when the caller has no metadata."""
_PAGE: Final = 50
"""Memories on a page without a limit, as on the reference backend."""


def begin(calls: OlderCalls, capsule: str, chunks: int, idem: str, metadata: Value = None) -> Flow[Value]:
    """A and B take metadata at begin."""
    return (yield from calls.ask("uploads_begin", [capsule, metadata or _UNTITLED, chunks, idem]))


def read_memory(calls: OlderCalls, memory_id: str) -> Flow[Value]:
    """In A and B, `memories_read` leaves the bytes out."""
    method = "memories_read_with_assets" if calls.has("memories_read_with_assets") else "memories_read"
    return (yield from calls.ask(method, [memory_id]))


def read_asset(calls: OlderCalls, memory_id: str, index: int) -> Flow[Value]:
    """A and B return bare bytes, of inline assets only."""
    reply = yield from calls.ask("memories_read_asset", [memory_id, index])
    if "Ok" not in reply:
        return reply
    memory = yield from calls.ask("memories_read", [memory_id])
    if "Ok" not in memory:
        return memory
    ((_, metadata),) = memory["Ok"]["inline_assets"][index]["metadata"].items()
    base, data = metadata["base"], reply["Ok"]
    inline = {
        "bytes": data,
        "content_type": base["mime_type"],
        "size": len(data),
        "sha256": base["sha256"],
    }
    return {"Ok": {"Inline": inline}}


def list_pages(calls: OlderCalls, capsule: str, cursor: str | None, limit: int | None) -> Flow[Value]:
    """C has pages; its headers have a name instead of a title."""
    reply = yield from calls.ask("memories_list", [capsule, cursor, limit])
    if "Ok" in reply:
        reply["Ok"]["items"] = [_header(header, capsule) for header in reply["Ok"]["items"]]
    return reply


def list_whole(calls: OlderCalls, capsule: str, cursor: str | None, limit: int | None) -> Flow[Value]:
    """A and B return the whole list, which is cut into pages here; the cursor is the index of the next item."""
    reply = yield from calls.ask("memories_list", [capsule])
    if not reply["success"]:
        return _failed(reply)
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = start + (_PAGE if limit is None else max(1, limit))  # at least 1: paging must end
    headers = [_header(header, capsule) for header in reply["memories"]]
    more = str(end) if end < len(headers) else None
    return {"Ok": {"items": headers[start:end], "next_cursor": more}}


def _header(header: dict[str, Any], capsule: str) -> Value:
    return {"title": header["name"], **header, "capsule_id": capsule}


def update(calls: OlderCalls, memory_id: str, changes: dict[str, Any]) -> Flow[Value]:
    """A to C cannot change access entries, and A and B do not return the memory."""
    if changes.get("access_entries") is not None:
        raise calls.refusal("memories_update", "access_entries")
    reply = yield from calls.ask("memories_update", [memory_id, changes])
    if "success" not in reply:
        return reply
    if not reply["success"]:
        return _failed(reply)
    return (yield from read_memory(calls, memory_id))


def delete(calls: OlderCalls, memory_id: str, delete_assets: bool) -> Flow[Value]:  # noqa: FBT001 - as in Candid
    """A and B never delete the assets of a memory."""
    if delete_assets:
        raise calls.refusal("memories_delete", "memories_delete with its assets")
    reply = yield from calls.ask("memories_delete", [memory_id])
    return {"Ok": None} if reply["success"] else _failed(reply)


def _failed(reply: Mapping[str, Any]) -> Value:
    """A and B report failures as text; the error's tag is derived from it."""
    words = reply["message"].lower()
    if "not found" in words:
        return {"Err": {"NotFound": None}}
    if "unauthorized" in words or "access" in words:
        return {"Err": {"Unauthorized": None}}
    return {"Err": {"Internal": reply["message"]}}


MEMORY_AT_FINISH: Final[Mapping[str, Override]] = {
    "uploads_begin": begin,
    "memories_read": read_memory,
    "memories_read_asset": read_asset,
    "memories_list": list_whole,
    "memories_update": update,
    "memories_delete": delete,
}
"""The overrides of generations whose finish creates a memory: A and B."""
