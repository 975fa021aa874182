"""How the calls of today's interface are made on an older generation.

Every method of the typed client comes here by its name with today's values. Most only need other types; those in
`_OTHERWISE` are said in another way there. What a generation cannot do is refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ic_harness.agent import Flow
from ic_harness.candid import decode, encode
from ic_harness.candid.runtime import Interface
from ic_harness.errors import NotInGenerationError
from ic_harness.principal import Principal

from .effects import Call, Kind
from .generations import Generation, Profile, able, interface
from .locators import BlobLocator
from .translation import fit

Value = Any
_UNTITLED: Final = {
    "Document": {
        "base": {
            "name": "untitled", "tags": [], "asset_type": {"Original": None}, "bytes": 0,
            "mime_type": "application/octet-stream", "created_at": 0, "updated_at": 0,
        },
    },
}  # fmt: skip
"""What generations A and B are told at begin when the caller tells nothing."""


class Dialect:
    """Translates calls for one backend; `today` is the typed client's interface."""

    def __init__(self, profile: Profile, today: Interface, canister: Principal) -> None:
        self.profile = profile
        self.canister = canister
        self._today = today
        self._service = interface(profile.generation)

    def check(self, method: str) -> None:
        """Raise `NotInGenerationError` unless the backend has `method`."""
        if not self.profile.has(method):
            raise self.refusal(method, method, able(method))

    def refusal(self, method: str, what: str, others: Sequence[Generation]) -> NotInGenerationError:
        """The error for something that this generation cannot do."""
        others = [other for other in others if other != self.profile.generation]
        return NotInGenerationError(
            what, self.profile.generation, tuple(map(str, others)), method=method, canister=str(self.canister)
        )

    def call(self, method: str, values: Sequence[Any], metadata: Any = None) -> Flow[Any]:
        """Make a call with today's arguments; gives today's result. `metadata` is for `uploads_begin` alone."""
        self.check(method)
        codec = self._today.codec(method)
        if self.profile.generation == Generation.H:  # understands today's types
            kind: Kind = "query" if codec.method.mode == "query" else "update"
            return codec.decode((yield from Call(kind, method, codec.encode(values))))
        plain = codec.lower(values)
        otherwise = _OTHERWISE[self.profile.generation].get(method)
        if metadata is not None:
            plain.append(self._lowered(metadata))
        reply = yield from (self.ask(method, plain) if otherwise is None else otherwise(self, *plain))
        return codec.lift([fit(reply, codec.method.return_types[0])])

    def ask(self, method: str, values: Sequence[Value]) -> Flow[Value]:
        """Make a call of the older generation's own; values and reply are of the codec's kind."""
        old = self._service.methods[method]
        fitted = [fit(value, type_) for value, type_ in zip(values, old.arg_types, strict=True)]
        kind: Kind = "query" if old.mode == "query" else "update"
        reply = yield from Call(kind, method, encode(fitted, old.arg_types))
        return decode(reply, old.return_types)[0]

    def _lowered(self, metadata: Any) -> Value:
        (lower,), _ = self._today.converters([self._today.service.types["AssetMetadata"]])
        return metadata if lower is None else lower(metadata)


# --- what is said in another way; each gives what today's method would reply ---------------------------------


def _begin(dialect: Dialect, capsule: str, chunks: int, idem: str, metadata: Value = None) -> Flow[Value]:
    return (yield from dialect.ask("uploads_begin", [capsule, metadata or _UNTITLED, chunks, idem]))


def _finish(dialect: Dialect, session: int, sha256: bytes, size: int) -> Flow[Value]:
    """A tells the memory's id only; the blob stands in the memory."""
    reply = yield from dialect.ask("uploads_finish", [session, sha256, size])
    if "Ok" not in reply:
        return reply
    found = yield from dialect.ask("memories_read", [reply["Ok"]])
    if "Ok" not in found:
        return found
    locator = found["Ok"]["blob_internal_assets"][0]["blob_ref"]["locator"]
    result = {
        "memory_id": reply["Ok"],
        "blob_id": locator,
        "size": size,
        "checksum_sha256": sha256,
        "storage_backend": {"Icp": None},
        "storage_location": BlobLocator.parse(locator).storage_location,
        "uploaded_at": found["Ok"]["metadata"]["uploaded_at"],
    }
    return {"Ok": result}


def _read(dialect: Dialect, memory_id: str) -> Flow[Value]:
    """In A and B the method of today's name leaves the bytes out."""
    with_assets = dialect.profile.has("memories_read_with_assets")
    return (
        yield from dialect.ask("memories_read_with_assets" if with_assets else "memories_read", [memory_id])
    )


def _read_asset(dialect: Dialect, memory_id: str, index: int) -> Flow[Value]:
    """A and B give bare bytes, of inline assets only."""
    reply = yield from dialect.ask("memories_read_asset", [memory_id, index])
    if "Ok" not in reply:
        return reply
    memory = yield from dialect.ask("memories_read", [memory_id])
    if "Ok" not in memory:
        return memory
    ((_, told),) = memory["Ok"]["inline_assets"][index]["metadata"].items()
    base, data = told["base"], reply["Ok"]
    inline = {
        "bytes": data,
        "content_type": base["mime_type"],
        "size": len(data),
        "sha256": base["sha256"],
    }
    return {"Ok": {"Inline": inline}}


def _list_pages(dialect: Dialect, capsule: str, cursor: str | None, limit: int | None) -> Flow[Value]:
    reply = yield from dialect.ask("memories_list", [capsule, cursor, limit])
    if "Ok" in reply:
        reply["Ok"]["items"] = [_header(header, capsule) for header in reply["Ok"]["items"]]
    return reply


def _list_whole(dialect: Dialect, capsule: str, cursor: str | None, limit: int | None) -> Flow[Value]:
    """A and B give the whole list; it is cut into pages here, with the place to go on as the cursor."""
    reply = yield from dialect.ask("memories_list", [capsule])
    if not reply["success"]:
        return _failed(reply)
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = start + (
        50 if limit is None else max(1, limit)
    )  # as the reference backend does: pages come to an end
    headers = [_header(header, capsule) for header in reply["memories"]]
    more = str(end) if end < len(headers) else None
    return {"Ok": {"items": headers[start:end], "next_cursor": more}}


def _header(header: dict[str, Any], capsule: str) -> Value:
    return {"title": header["name"], **header, "capsule_id": capsule}


def _update(dialect: Dialect, memory_id: str, changes: dict[str, Any]) -> Flow[Value]:
    if changes.get("access_entries") is not None:
        raise dialect.refusal("memories_update", "access_entries", [Generation.H])
    reply = yield from dialect.ask("memories_update", [memory_id, changes])
    if "success" not in reply:
        return reply
    if not reply["success"]:
        return _failed(reply)
    return (yield from _read(dialect, memory_id))


def _delete(dialect: Dialect, memory_id: str, delete_assets: bool) -> Flow[Value]:  # noqa: FBT001 - as Candid has it
    """A and B never delete the assets of a memory."""
    if delete_assets:
        what = "memories_delete with its assets"
        raise dialect.refusal("memories_delete", what, [Generation.C, Generation.H])
    reply = yield from dialect.ask("memories_delete", [memory_id])
    return {"Ok": None} if reply["success"] else _failed(reply)


def _failed(reply: Mapping[str, Any]) -> Value:
    """A and B tell failures in words; the tag is read out of them."""
    words = reply["message"].lower()
    if "not found" in words:
        return {"Err": {"NotFound": None}}
    if "unauthorized" in words or "access" in words:
        return {"Err": {"Unauthorized": None}}
    return {"Err": {"Internal": reply["message"]}}


_A_AND_B: Final[Mapping[str, Callable[..., Flow[Value]]]] = {
    "uploads_begin": _begin,
    "memories_read": _read,
    "memories_read_asset": _read_asset,
    "memories_list": _list_whole,
    "memories_update": _update,
    "memories_delete": _delete,
}
_OTHERWISE: Final[Mapping[Generation, Mapping[str, Callable[..., Flow[Value]]]]] = {
    Generation.A: {**_A_AND_B, "uploads_finish": _finish},
    Generation.B: _A_AND_B,
    Generation.C: {"memories_list": _list_pages, "memories_update": _update},
    Generation.H: {},
}
"""Which methods are said in another way, by generation."""
