"""Direct upload: a slot, the bytes, and their completion (B1, B2, B5 to B8)."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ic_capsule.bulk.buckets import UserBuckets
from ic_capsule.bulk.ledger import Ledger, progress_of
from ic_capsule.bulk.records import FileRow
from ic_capsule.bulk.scan import add_paths
from ic_harness.errors import InputError
from ic_harness.text import one_line, parse_json

from .access import user_of
from .config import WebConfig
from .slots import Slot, Slots
from .spool import FullError, Spool, TooManyBytesError, safe_name

_LOG: Final = logging.getLogger("ic_capsule.bulk.server")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST_BODY: Final = 16 << 10


class RefusedError(Exception):
    """An answer that refuses: status, text and a code that the page acts on."""

    def __init__(self, status: int, text: str, code: str = "refused") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code

    def answer(self) -> JSONResponse:
        """The refusal as JSON."""
        return JSONResponse({"error": self.text, "code": self.code}, status_code=self.status)


class Uploads:
    """The three steps of an upload. `ledger` is this server's own connection for writing.

    It is used in threads: another writer may be in a transaction, and the page goes on meanwhile.
    """

    def __init__(self, config: WebConfig, ledger: Ledger) -> None:
        self._config = config
        self._ledger = ledger
        self._slots = Slots(ledger, config.slot_s)
        self._spool = Spool(config.spool)
        self._receiving: set[str] = set()
        self._completing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._buckets: UserBuckets | None = None
        if config.capacity:
            self._buckets = UserBuckets(config.clock, capacity=config.capacity, per_minute=config.per_minute)

    def sweep(self) -> None:
        """Remove the bytes of slots that ended a day ago: those never completed, and those whose file is all done.

        A file that failed or is still on its way keeps its bytes, so that it can be retried.
        """
        for slot in self._slots.ended():
            if slot.id not in self._receiving and self._is_over(slot):
                self._spool.remove(slot.id)
                self._slots.forget(slot.id)

    def _is_over(self, slot: Slot) -> bool:
        if slot.answer is None:
            return True
        return progress_of(self._ledger.file(int(slot.answer["asset"]["file"]))) == "ready"

    async def open(self, request: Request) -> Response:
        """`GET /api/upload-url?filename=…&size=…`: a slot, or 429 with `Retry-After`."""
        user = user_of(request)
        name, size = request.query_params.get("filename", ""), request.query_params.get("size", "")
        if not name or not re.fullmatch(r"\d{1,15}", size):
            raise RefusedError(400, "filename and size (bytes) are needed")
        if int(size) > self._config.max_file:
            raise RefusedError(413, f"a file may have at most {self._config.max_file >> 20} MiB", "too_large")
        limited = self._limited(user)
        if limited is not None:
            return limited
        self._spool.check_room(int(size))
        slot = await asyncio.to_thread(self._slots.open, user, safe_name(name), int(size))
        return JSONResponse(
            {
                "uploadUrl": f"/api/uploads/{slot.id}",
                "assetId": slot.id,
                "pathname": f"{slot.id}/{slot.name}",
                "expiresAt": datetime.fromtimestamp(slot.expires, UTC).isoformat(timespec="seconds"),
                "expiresIn": self._config.slot_s,
            }
        )

    def _limited(self, user: str) -> Response | None:
        decision = None if self._buckets is None else self._buckets.consume(user)
        if decision is None or decision.allowed:
            return None
        wait = decision.retry_after or 1
        _LOG.warning("[RateLimit] User %s exceeded limit, told to wait %s s", user, wait)
        text = f"Too many uploads. Please wait {wait}s and try again"
        return JSONResponse(
            {"error": text, "code": "rate_limited", "retryAfter": wait},
            status_code=429,
            headers={"Retry-After": str(wait)},
        )

    async def receive(self, request: Request) -> Response:
        """`PUT /api/uploads/{id}`: the bytes of a slot, hashed on the way."""
        slot = await self._slot(str(request.path_params["slot"]), user_of(request))
        if slot.answer is None and not slot.is_open(self._config.clock()):
            raise RefusedError(403, "The upload slot has expired: ask for a new one", "slot_expired")
        if slot.answer is not None or slot.id in self._receiving:
            raise RefusedError(409, "The slot is in use, or completed", "slot_in_use")
        self._receiving.add(slot.id)
        try:
            digest = await self._spool.receive(slot.id, slot.name, slot.size, request.stream())
        except ClientDisconnect as error:
            raise RefusedError(400, "the connection broke off", "broken_off") from error
        finally:
            self._receiving.discard(slot.id)
        await asyncio.to_thread(self._slots.received, slot.id, digest)
        return JSONResponse({"sha256": digest.hex(), "size": slot.size})

    async def complete(self, request: Request) -> Response:
        """`POST /api/upload-complete`: the file joins the run. Again: the same answer."""
        told = await json_body(request)
        slot_id = str(told.get("assetId", ""))
        lock = self._completing.setdefault(slot_id, asyncio.Lock())
        async with lock:
            slot = await self._slot(slot_id, user_of(request))
            if slot.answer is not None:
                return JSONResponse(slot.answer)
            if slot.sha256 is None:
                raise RefusedError(409, "The bytes are not here yet: send them to the slot first", "no_bytes")
            self._check(told, slot)
            answer = await asyncio.to_thread(self._take_over, slot, slot.sha256)
        return JSONResponse(answer)

    def _check(self, told: dict[str, Any], slot: Slot) -> None:
        size, sha256 = told.get("size"), told.get("sha256")
        if size is not None and size != slot.size:
            raise RefusedError(400, f"size: says {size!r}, the slot has {slot.size}")
        if sha256 is None:
            return
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            raise RefusedError(400, "sha256: expected 64 hexadecimal digits")
        if slot.sha256 is None or sha256 != slot.sha256.hex():
            raise RefusedError(
                422, "sha256: the bytes that came have another hash, send them again", "other_bytes"
            )

    def _take_over(self, slot: Slot, sha256: bytes) -> dict[str, Any]:
        """Add the file to the run, or find the one that has its bytes already."""
        known = next(
            (file for file in self._ledger.by_content(sha256) if progress_of(file) != "failed"), None
        )
        path = self._spool.path(slot.id, slot.name)
        if known is None:
            add_paths(self._ledger, [path])
            known = self._ledger.file_at(bytes(path.absolute()))
            if known is None:
                raise RefusedError(500, "the file was added and is not in the ledger")
            answer = _answer(slot, known, duplicate=known.duplicate_of is not None)
        else:
            answer = _answer(slot, known, duplicate=True)
        self._slots.completed(slot.id, answer)
        if answer["asset"]["isDuplicate"] and known.path != bytes(path.absolute()):
            self._spool.remove(slot.id)
        return answer

    async def _slot(self, slot_id: str, user: str) -> Slot:
        slot = await asyncio.to_thread(self._slots.find, slot_id, user)
        if slot is None:
            raise RefusedError(404, "There is no such upload slot: ask for a new one", "no_slot")
        return slot


def _answer(slot: Slot, file: FileRow, *, duplicate: bool) -> dict[str, Any]:
    return {
        "success": True,
        "asset": {
            "id": slot.id,
            "file": file.id,
            "blobUrl": f"/api/files/{file.id}/preview",
            "isDuplicate": duplicate,
            "needsProcessing": not duplicate and file.kind == "image",
        },
    }


async def json_body(request: Request) -> dict[str, Any]:
    """A small JSON object that a request carries; an empty one without a body. Raises `RefusedError` for others."""
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > _LARGEST_BODY:
            raise RefusedError(413, f"the body has more than {_LARGEST_BODY} bytes")
    if not raw:
        return {}
    try:
        told = parse_json(raw.decode())
    except ValueError as error:
        raise RefusedError(400, f"the body is no JSON: {one_line(str(error), 200)}") from error
    if not isinstance(told, dict):
        raise RefusedError(400, "the body is no JSON object")
    return told


def refusal_of(error: InputError) -> JSONResponse:
    """What a refused upload is answered."""
    status = 507 if isinstance(error, FullError) else 413 if isinstance(error, TooManyBytesError) else 400
    return JSONResponse({"error": str(error), "code": "invalid"}, status_code=status)
