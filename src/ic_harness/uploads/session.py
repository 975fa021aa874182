"""One blob on its way: a session that is begun or continued, chunks in flight, and finish.

Chunks go in parallel, a window of them at a time, and only those that the backend does not have yet. What was
made is kept in a `Trace`, so that it can be unmade when anything else of the photo fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ic_harness.backend import UploadFinishResult
from ic_harness.errors import BackendError, RejectError

from .material import Material
from .source import ChunkRange, chunk_ranges

WINDOW: Final = 4
"""Chunks in flight at once: enough to keep both ends busy, few enough to bound the memory (1.8 MB each)."""
NO_SUCH_METHOD: Final = "IC0536"


@dataclass(slots=True)
class Trace:
    """What a session has left on the backend: `blob_id` once it is finished.

    `ours` is False when the blob was there before, so that it must not be taken away.
    """

    session: int
    blob_id: str | None = None
    uploaded_at: int = 0
    ours: bool = True


Sent = Callable[[int], None]
"""Told how many more bytes have arrived."""


async def upload_blob(
    backend: Any,
    capsule: str,
    material: Material,
    *,
    idem: str,
    chunk_size: int,
    sent: Sent,
    traces: list[Trace],
) -> Trace:
    """Store `material` as a blob and give its trace, which is put into `traces` as soon as there is a session.

    `backend` is an `AsyncBackend`. Raises what its methods raise.
    """
    ranges = chunk_ranges(material.size, chunk_size)
    trace = Trace(await backend.uploads_begin(capsule, len(ranges), idem))
    traces.append(trace)
    missing = await _missing(backend, trace, ranges)
    sent(material.size - sum(part.length for part in missing))
    await _send(backend, trace.session, material, missing, sent)
    # Also for a session that is finished already: the same answer again tells the blob and its time.
    result = await _finish(backend, trace.session, material)
    trace.blob_id, trace.uploaded_at = result.blob_id, result.uploaded_at
    return trace


async def _missing(backend: Any, trace: Trace, ranges: tuple[ChunkRange, ...]) -> list[ChunkRange]:
    """Ask what the session already has; everything is missing where the backend cannot tell."""
    try:
        status = await backend.uploads_status(trace.session)
    except RejectError as error:
        if error.error_code != NO_SUCH_METHOD:
            raise
        return list(ranges)
    trace.ours = status.blob_id is None
    return [ranges[index] for gap in status.missing for index in range(gap.start, gap.end)]


async def _send(
    backend: Any, session: int, material: Material, missing: list[ChunkRange], sent: Sent
) -> None:
    queue = iter(missing)

    async def carrier() -> None:
        for part in queue:
            data = material.read(part.offset, part.length)
            await backend.uploads_put_chunk(session, part.index, data)
            sent(part.length)

    async with asyncio.TaskGroup() as carriers:
        for _ in range(min(WINDOW, len(missing))):
            carriers.create_task(carrier())


async def _finish(backend: Any, session: int, material: Material) -> UploadFinishResult:
    """Finish; a backend that still hashes chunks which came early asks to be called again."""
    while True:
        try:
            result: UploadFinishResult = await backend.uploads_finish(session, material.sha256, material.size)
        except BackendError as error:
            if error.tag != "Conflict" or not (error.detail or "").startswith("hash_in_progress"):
                raise
        else:
            return result


async def undo(backend: Any, trace: Trace) -> None:
    """Take away what a session left. Raises what the backend raises; an end that came before is no error."""
    if not trace.ours:
        return
    try:
        if trace.blob_id is None:
            await backend.uploads_abort(trace.session)
        else:
            await backend.blob_delete(trace.blob_id)
    except BackendError as error:
        if error.tag != "NotFound":
            raise
