"""The state of one blob upload, and the sending of its chunks.

A `BlobUpload` keeps what an upload has created, so that it can be undone when another part of the photo fails, even if
a lost reply leaves its progress unknown. Its session goes through these states:

    not begun ──begin──> open ──finish──> finishing ──reply──> finished
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ic_capsule.backend import AssetMetadata
from ic_harness.errors import BackendError

from .calls import AsyncBackendCalls, BlobId, CapsuleId, MemoryId, SessionId
from .content import ByteSource
from .source import ChunkRange, chunk_ranges

WINDOW: Final = 4
"""Chunks in flight at once: enough to keep both ends busy, few enough to bound the memory (1.8 MB each)."""


@dataclass(slots=True, kw_only=True)
class BlobUpload:
    """What the upload of a blob has created on the backend.

    `session` is None until begin has replied, `finishing` is True once finish was called, and `blob_id` is set when it
    has replied. `ours` is False when the blob existed before this upload and so must not be deleted. `memory_id` is the
    memory that generations A and B create from `metadata` at finish (None elsewhere). `uploaded_at` is the backend's
    time in nanoseconds.
    """

    capsule: CapsuleId
    idem: str
    content: ByteSource
    chunk_size: int
    metadata: AssetMetadata | None = None
    session: SessionId | None = None
    finishing: bool = False
    blob_id: BlobId | None = None
    memory_id: MemoryId | None = None
    uploaded_at: int = 0
    ours: bool = True

    @property
    def name(self) -> str:
        """How an error names it when it is left behind."""
        return self.blob_id or (f"session {self.session}" if self.session is not None else "an open session")

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that an error names when it is left behind: the memory that finish created, and the blob."""
        return (*([f"memory {self.memory_id}"] if self.memory_id else []), self.name)

    @property
    def ranges(self) -> tuple[ChunkRange, ...]:
        """The chunks of the content."""
        return chunk_ranges(self.content.size, self.chunk_size)

    def opened(self) -> SessionId:
        """Return the session of an upload that was begun."""
        assert self.session is not None, "bug: the upload was not begun"
        return self.session

    def stored(self) -> BlobId:
        """Return the blob of an upload that was finished."""
        assert self.blob_id is not None, "bug: the upload was not finished"
        return self.blob_id


Sent = Callable[[int], None]
"""Called with the number of bytes that have arrived since the last call; negative when an upload starts over."""


async def send_chunks(
    backend: AsyncBackendCalls, state: BlobUpload, parts: Sequence[ChunkRange], sent: Sent, *, window: int
) -> None:
    """Send chunks, `window` of them in flight at once; a window of 1 sends them in order, each after the last."""
    queue = iter(parts)

    async def sender() -> None:
        for part in queue:
            data = state.content.read(part.offset, part.length)
            await _put(backend, state.opened(), part.index, data)
            sent(part.length)

    async with asyncio.TaskGroup() as senders:
        for _ in range(min(window, len(parts))):
            senders.create_task(sender())


async def _put(backend: AsyncBackendCalls, session: SessionId, index: int, data: bytes) -> None:
    """Send one chunk; a chunk that the backend already has is no error, since continued uploads send such."""
    try:
        await backend.uploads_put_chunk(session, index, data)
    except BackendError as error:
        if error.detail != "Chunk already received":
            raise
