"""The JSON interface of the page: counts, lists, retries, previews, search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from ic_capsule.assets import PREVIEW
from ic_capsule.bulk.ledger import Ledger
from ic_capsule.bulk.search import Found, more_like, near_duplicates, search_text
from ic_capsule.bulk.states import FailureClass, Stage
from ic_harness.errors import InputError

from .config import WebConfig
from .feed import Feed, row_of, without_path
from .figures import PROMETHEUS, prometheus, telemetry
from .sse import events, first_id
from .uploads import RefusedError, json_body

_MOST_ROWS: Final = 200
_STATS_FOR_S: Final = 5.0
_MOST_IDS: Final = 1_000


class Api:
    """Answers requests about a run. `ledger` writes (retries, the index of words), `feed` reads."""

    def __init__(self, config: WebConfig, ledger: Ledger, feed: Feed, stopping: asyncio.Event) -> None:
        self._config = config
        self._ledger = ledger
        self._feed = feed
        self._stopping = stopping

    async def stats(self, _: Request) -> Response:
        """`GET /api/processing-stats`: counts, at most five seconds old."""
        progress = await asyncio.to_thread(self._feed.progress, _STATS_FOR_S)
        return JSONResponse({**progress, "timestamp": self._config.clock()})

    async def updates(self, request: Request) -> Response:
        """`GET /api/sse/processing-updates`: the event stream."""
        told = request.headers.get("last-event-id") or request.query_params.get("after")
        after = await asyncio.to_thread(first_id, told, self._feed)
        stream = events(
            self._feed, after, idle_s=self._config.idle_s, clock=self._config.clock, stopping=self._stopping
        )
        return EventSourceResponse(stream)

    async def telemetry(self, _: Request) -> Response:
        """`GET /api/telemetry`: latencies, queues, failures."""
        return JSONResponse(await asyncio.to_thread(telemetry, self._feed))

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`: the same for Prometheus."""
        text = await asyncio.to_thread(prometheus, self._feed)
        return PlainTextResponse(text, headers={"Content-Type": PROMETHEUS})

    async def files(self, request: Request) -> Response:
        """`GET /api/files?offset=…&limit=…&failed=1`: a window of the list."""
        offset, limit = _number(request, "offset", 0), _number(request, "limit", 50)
        failed = request.query_params.get("failed") == "1"
        rows = await asyncio.to_thread(self._feed.rows, offset, min(limit, _MOST_ROWS), failed=failed)
        return JSONResponse(rows)

    async def file(self, request: Request) -> Response:
        """`GET /api/files/{id}`: one file."""
        file = await asyncio.to_thread(self._feed.view.file, _id(request))
        return JSONResponse({**row_of(file), "mime": file.mime, "facts": _shown(file.facts)})

    async def preview(self, request: Request) -> Response:
        """`GET /api/files/{id}/preview`: the thumbnail."""
        file = await asyncio.to_thread(self._feed.view.file, _id(request))
        picture = (
            None if file.sha256 is None else await asyncio.to_thread(self._feed.view.preview, file.sha256)
        )
        if picture is None or file.sha256 is None:
            raise RefusedError(404, "This file has no preview, or none yet", "no_preview")
        tag = f'"{file.sha256.hex()}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(picture, media_type=PREVIEW.mime_type, headers=headers)

    async def gallery(self, request: Request) -> Response:
        """`GET /api/gallery?before=…&limit=…`: files with a preview, newest first."""
        before = _number(request, "before", 0) or None
        limit = min(_number(request, "limit", 60), _MOST_ROWS)
        return JSONResponse({"items": await asyncio.to_thread(self._feed.gallery, before, limit)})

    async def search(self, request: Request) -> Response:
        """`GET /api/search?q=…`: files by words."""
        words = request.query_params.get("q", "")[:500]
        return await self._found(lambda: search_text(self._ledger, words))

    async def similar(self, request: Request) -> Response:
        """`GET /api/files/{id}/similar`: files that look like one."""
        file_id = _id(request)
        return await self._found(lambda: more_like(self._feed.view, file_id))

    async def near(self, _: Request) -> Response:
        """`GET /api/near-duplicates`: groups of pictures that look the same."""
        groups = await asyncio.to_thread(near_duplicates, self._feed.view)
        return JSONResponse({"groups": [[row_of(file) for file in group] for group in groups]})

    async def dead_letters(self, _: Request) -> Response:
        """`GET /api/dead-letters`: what failed for good."""
        letters = await asyncio.to_thread(self._feed.view.dead_letters)
        return JSONResponse(
            {
                "items": [
                    {
                        "id": letter.file,
                        "name": letter.name,
                        "stage": str(letter.stage),
                        "class": str(letter.cls),
                        "error": without_path(letter.error, letter.path),
                        "attempts": letter.attempts,
                        "at": letter.at,
                    }
                    for letter in letters
                ]
            }
        )

    async def retry_many(self, request: Request) -> Response:
        """`POST /api/dead-letters/retry` with `{ids}`, `{class}`, `{stage}` or `{all: true}`."""
        told = await json_body(request)
        ids, cls, stage = told.get("ids"), told.get("class"), told.get("stage")
        if ids is None and cls is None and stage is None and told.get("all") is not True:
            raise RefusedError(400, "say which: ids, class, stage, or all")
        count = await asyncio.to_thread(
            self._ledger.retry, files=_ids(ids), cls=_one_of(FailureClass, cls), stage=_one_of(Stage, stage)
        )
        return JSONResponse({"success": True, "retried": count})

    async def retry_one(self, request: Request) -> Response:
        """`POST /api/assets/{id}/retry-processing`: one file, urgently."""
        count = await asyncio.to_thread(self._ledger.retry, files=[self._leader(_id(request))])
        return JSONResponse({"success": True, "retried": count})

    async def retry_form(self, request: Request) -> Response:
        """`POST /files/{id}/retry` and `POST /retry`: the buttons of the page without scripts."""
        one = "id" in request.path_params
        files = [self._leader(_id(request))] if one else None
        await asyncio.to_thread(self._ledger.retry, files=files)
        return RedirectResponse("/", status_code=303)

    def _leader(self, file_id: int) -> int:
        """The file whose stages count: a duplicate has none of its own."""
        file = self._feed.view.file(file_id)
        return file.id if file.duplicate_of is None else file.duplicate_of

    async def _found(self, find: Callable[[], list[Found]]) -> Response:
        found = await asyncio.to_thread(find)
        return JSONResponse(
            {
                "items": [
                    {**row_of(hit.file), "score": round(hit.score, 4), **self._picture(hit)} for hit in found
                ]
            }
        )

    def _picture(self, hit: Found) -> dict[str, Any]:
        return {"preview": self._feed.has_preview(hit.file)}


def _id(request: Request) -> int:
    return int(request.path_params["id"])


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise RefusedError(400, f"{name}: expected a number, 0 or more")
    return int(text)


def _ids(ids: Any) -> list[int] | None:
    if ids is None:
        return None
    if not isinstance(ids, list) or len(ids) > _MOST_IDS or not all(type(one) is int for one in ids):
        raise RefusedError(400, f"ids: expected at most {_MOST_IDS} numbers")
    return [one for one in ids if abs(one) < 1 << 62]


def _one_of(kind: type[Any], value: Any) -> Any:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(one) for one in kind)
        raise RefusedError(400, f"expected one of {known}") from None


def _shown(facts: Any) -> dict[str, Any]:
    """What a person wants to know of a photo."""
    wanted = ("width", "height", "taken_at", "location", "title", "tags")
    return {name: facts[name] for name in wanted if facts and facts.get(name)}


def input_refused(error: InputError) -> JSONResponse:
    """What a request is answered that names no file, or searches for nothing."""
    status = 404 if "has no file" in str(error) else 400
    return JSONResponse({"error": str(error), "code": "invalid"}, status_code=status)
