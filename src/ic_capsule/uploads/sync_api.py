"""The same uploads for synchronous code: a `Backend` whose calls run in threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .calls import BackendCalls
from .download import download_asset_async, download_blob_async
from .photo import upload_photo_async
from .plain import upload_file_async
from .results import Listener, UploadedPhoto
from .threaded import ThreadedClient

T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to completion: here, or in another thread where an event loop is already running (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def upload_photo(
    backend: BackendCalls,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store the photo at `path` as a memory with four assets; as `upload_photo_async`."""
    return _run(upload_photo_async(ThreadedClient(backend), path, capsule, on_progress=on_progress))


def upload_file(
    backend: BackendCalls,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store a file of any kind; as `upload_file_async`."""
    return _run(upload_file_async(ThreadedClient(backend), path, capsule, on_progress=on_progress))


def download_blob(
    backend: BackendCalls, locator: str, path: str | os.PathLike[str], sha256: bytes | None = None
) -> int:
    """Write a blob to `path` and return its length in bytes; as `download_blob_async`."""
    return _run(download_blob_async(ThreadedClient(backend), locator, path, sha256))


def download_asset(
    backend: BackendCalls, memory_id: str, path: str | os.PathLike[str], asset_type: str = "Original"
) -> int:
    """Write an asset of a memory to `path` and return its length in bytes; as `download_asset_async`."""
    return _run(download_asset_async(ThreadedClient(backend), memory_id, path, asset_type))
