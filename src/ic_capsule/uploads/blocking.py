"""The same uploads for code that is not asynchronous: a `Backend` whose calls run in threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from ic_capsule.backend import AsyncBackend, Backend

from .download import download_asset_async, download_blob_async
from .photo import upload_photo_async
from .plain import upload_file_async
from .results import Listener, UploadedPhoto


class InThreads:
    """A blocking client as an asynchronous one: every call runs in a thread, several at once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return self._in_thread(found) if callable(found) else found

    def _in_thread(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **named: Any) -> Any:
            return await asyncio.to_thread(method, *args, **named)

        return call


T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end: here, or in a thread of its own where an event loop runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _awaitable(backend: Backend) -> AsyncBackend:
    return cast("AsyncBackend", InThreads(backend))


def upload_photo(
    backend: Backend,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store the photo at `path` as a memory with four assets; the twin of `upload_photo_async`."""
    return _run(upload_photo_async(_awaitable(backend), path, capsule, on_progress=on_progress))


def upload_file(
    backend: Backend,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store a file of any kind; the twin of `upload_file_async`."""
    return _run(upload_file_async(_awaitable(backend), path, capsule, on_progress=on_progress))


def download_blob(backend: Backend, locator: str, path: str | os.PathLike[str]) -> int:
    """Write a blob to `path` and give its length; the blocking twin of `download_blob_async`."""
    return _run(download_blob_async(_awaitable(backend), locator, path))


def download_asset(
    backend: Backend, memory_id: str, path: str | os.PathLike[str], asset_type: str = "Original"
) -> int:
    """Write an asset of a memory to `path` and give its length; the twin of `download_asset_async`."""
    return _run(download_asset_async(_awaitable(backend), memory_id, path, asset_type))
