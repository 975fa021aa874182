"""Reads blobs back and compares them with what was sent, byte for byte, in bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from ic_harness.errors import UploadError

from .calls import AsyncBackendCalls
from .content import ByteSource

_READ_AHEAD: Final = 4


async def read_blob(backend: AsyncBackendCalls, locator: str) -> AsyncIterator[bytes]:
    """Read a blob chunk by chunk; a few requests are ahead. Raises what the calls raise."""
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
    backend: AsyncBackendCalls, locator: str, content: ByteSource, compared: Callable[[int], None]
) -> None:
    """Read a blob back; raises `UploadError` unless it is equal to `content`.

    `compared` is called with the length of each chunk in bytes.
    """
    offset, digest = 0, hashlib.sha256()
    async for chunk in read_blob(backend, locator):
        digest.update(chunk)
        offset += len(chunk)
        compared(len(chunk))
    if offset != content.size or digest.digest() != content.sha256:
        raise UploadError(
            f"{locator} reads back as {offset} bytes with SHA-256 {digest.hexdigest()}, "
            f"sent were {content.size} with {content.sha256.hex()}"
        )
