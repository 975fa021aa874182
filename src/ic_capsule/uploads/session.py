"""What an upload of one blob is made of: where it stands, and chunks on their way.

What was made is kept in a `Trace`, so that it can be unmade when anything else of the photo fails, even when it is not
known how far it came because a reply was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ic_capsule.backend import AssetMetadata
from ic_harness.errors import BackendError

from .material import Material
from .source import ChunkRange, chunk_ranges

WINDOW: Final = 4
"""Chunks in flight at once: enough to keep both ends busy, few enough to bound the memory (1.8 MB each)."""


@dataclass(slots=True, kw_only=True)
class Trace:
    """What an upload of a blob has left on the backend.

    `session` is None as long as the reply of begin is awaited, `finishing` tells that finish was asked for,
    `blob_id` that it was answered. `ours` is False when the blob was there before this upload, so that it must
    not be taken away. `memory_id` is the memory that generations A and B make of `metadata` at finish.
    """

    capsule: str
    idem: str
    material: Material
    chunk_size: int
    metadata: AssetMetadata | None = None
    session: int | None = None
    finishing: bool = False
    blob_id: str | None = None
    memory_id: str = ""
    uploaded_at: int = 0
    ours: bool = True

    @property
    def name(self) -> str:
        """What a person is told when it is left behind."""
        return self.blob_id or (f"session {self.session}" if self.session is not None else "an open session")

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a person is told when it is left behind: the memory that finish made, and the blob."""
        return (*([f"memory {self.memory_id}"] if self.memory_id else []), self.name)

    @property
    def ranges(self) -> tuple[ChunkRange, ...]:
        """The chunks of the material."""
        return chunk_ranges(self.material.size, self.chunk_size)


Sent = Callable[[int], None]
"""Told how many more bytes have arrived; fewer than none when an upload starts over."""


async def send_chunks(
    backend: Any, trace: Trace, parts: Sequence[ChunkRange], sent: Sent, *, window: int
) -> None:
    """Send chunks, `window` of them in flight at once; with a window of 1 in their order, each after the last."""
    queue = iter(parts)

    async def carrier() -> None:
        for part in queue:
            data = trace.material.read(part.offset, part.length)
            await _put(backend, trace, part.index, data)
            sent(part.length)

    async with asyncio.TaskGroup() as carriers:
        for _ in range(min(window, len(parts))):
            carriers.create_task(carrier())


async def _put(backend: Any, trace: Trace, index: int, data: bytes) -> None:
    """Send one chunk; that it is there already is what a continued upload finds, and no failure."""
    try:
        await backend.uploads_put_chunk(trace.session, index, data)
    except BackendError as error:
        if error.detail != "Chunk already received":
            raise
