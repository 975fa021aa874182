"""The application: routes, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ic_capsule.bulk.ledger import Ledger
from ic_capsule.bulk.views import LedgerView
from ic_harness.errors import InputError

from .access import Access
from .api import Api, input_refused
from .config import WebConfig
from .feed import Feed
from .pages import asset, render
from .spool import FullError, TooManyBytesError
from .uploads import RefusedError, Uploads, refusal_of

_SWEEP_S = 600.0
_LARGEST_PAGE = 10**9


def create_app(config: WebConfig) -> Starlette:
    """Make the application; it opens the ledger (and makes one) at once, and closes it at its shutdown.

    Raises `InputError` or `StateError` when the ledger cannot be used.
    """
    ledger = Ledger.open(config.ledger, create=True, clock=config.clock)
    feed = Feed(LedgerView.open(config.ledger))
    stopping = asyncio.Event()
    uploads, api = Uploads(config, ledger), Api(config, ledger, feed, stopping)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(uploads, stopping))
        try:
            yield
        finally:
            stopping.set()
            await sweeping
            feed.view.close()
            ledger.close()

    app = Starlette(
        routes=_routes(feed, uploads, api),
        middleware=[Middleware(Access, token=config.token)],
        exception_handlers={
            RefusedError: _refused,
            InputError: _invalid,
            HTTPException: _http,
        },
        lifespan=lifespan,
    )
    app.state.stopping = stopping
    return app


def _routes(feed: Feed, uploads: Uploads, api: Api) -> list[Route]:
    async def page(request: Request) -> Response:
        number = request.query_params.get("page", "1")
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1
        return await asyncio.to_thread(render, feed, min(max(1, wanted), _LARGEST_PAGE))

    return [
        Route("/", page),
        Route("/page/{name}", asset),
        Route("/api/upload-url", uploads.open),
        Route("/api/uploads/{slot}", uploads.receive, methods=["PUT"]),
        Route("/api/upload-complete", uploads.complete, methods=["POST"]),
        Route("/api/processing-stats", api.stats),
        Route("/api/sse/processing-updates", api.updates),
        Route("/api/telemetry", api.telemetry),
        Route("/metrics", api.metrics),
        Route("/api/files", api.files),
        Route("/api/files/{id:int}", api.file),
        Route("/api/files/{id:int}/preview", api.preview),
        Route("/api/files/{id:int}/similar", api.similar),
        Route("/api/gallery", api.gallery),
        Route("/api/search", api.search),
        Route("/api/near-duplicates", api.near),
        Route("/api/dead-letters", api.dead_letters),
        Route("/api/dead-letters/retry", api.retry_many, methods=["POST"]),
        Route("/api/assets/{id:int}/retry-processing", api.retry_one, methods=["POST"]),
        Route("/files/{id:int}/retry", api.retry_form, methods=["POST"]),
        Route("/retry", api.retry_form, methods=["POST"]),
    ]


async def _sweep(uploads: Uploads, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await asyncio.to_thread(uploads.sweep)
        try:
            await asyncio.wait_for(stopping.wait(), _SWEEP_S)
        except TimeoutError:
            continue


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    return refusal_of(error) if isinstance(error, FullError | TooManyBytesError) else input_refused(error)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
