"""Reading back: every asset is compared with what was sent, byte for byte, without holding it whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from ic_harness.errors import UploadError

from .material import Material

_READ_AHEAD: Final = 4


async def read_blob(backend: Any, locator: str) -> AsyncIterator[bytes]:
    """Read a blob chunk by chunk, a few ahead. `backend` is an `AsyncBackend`."""
    meta = await backend.blob_get_meta(locator)
    ahead = [
        asyncio.ensure_future(backend.blob_read_chunk(locator, index))
        for index in range(min(_READ_AHEAD, meta.chunk_count))
    ]
    try:
        for index in range(meta.chunk_count):
            chunk = await ahead.pop(0)
            if index + _READ_AHEAD < meta.chunk_count:
                ahead.append(asyncio.ensure_future(backend.blob_read_chunk(locator, index + _READ_AHEAD)))
            yield chunk
    finally:
        for request in ahead:
            request.cancel()


async def compare_blob(
    backend: Any, locator: str, material: Material, compared: Callable[[int], None]
) -> None:
    """Read a blob back; raises `UploadError` unless it is equal to `material`."""
    offset, digest = 0, hashlib.sha256()
    async for chunk in read_blob(backend, locator):
        digest.update(chunk)
        offset += len(chunk)
        compared(len(chunk))
    if offset != material.size or digest.digest() != material.sha256:
        raise UploadError(
            f"{locator} reads back as {offset} bytes with SHA-256 {digest.hexdigest()}, "
            f"sent were {material.size} with {material.sha256.hex()}"
        )
