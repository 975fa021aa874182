"""One blob on its way: a session that is begun or continued, chunks in flight, and finish.

Chunks go in parallel, a window of them at a time, and only those that the backend does not have yet. What was
made is kept in a `Trace`, so that it can be unmade when anything else of the photo fails, even when it is not
known how far it came because a reply was lost: begin and finish give the same answer again.
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


@dataclass(slots=True, kw_only=True)
class Trace:
    """What an upload of a blob has left on the backend.

    `session` is None as long as the reply of begin is awaited, `finishing` tells that finish was asked for,
    `blob_id` that it was answered. `ours` is False when the blob was there before this upload, so that it must
    not be taken away.
    """

    capsule: str
    idem: str
    material: Material
    chunk_size: int
    session: int | None = None
    finishing: bool = False
    blob_id: str | None = None
    uploaded_at: int = 0
    ours: bool = True

    @property
    def name(self) -> str:
        """What a person is told when it is left behind."""
        return self.blob_id or (f"session {self.session}" if self.session is not None else "an open session")

    @property
    def ranges(self) -> tuple[ChunkRange, ...]:
        """The chunks of the material."""
        return chunk_ranges(self.material.size, self.chunk_size)


Sent = Callable[[int], None]
"""Told how many more bytes have arrived."""


async def upload_blob(backend: Any, trace: Trace, traces: list[Trace], sent: Sent) -> Trace:
    """Store the material of `trace` as a blob; the trace is kept in `traces` while it may have to be undone.

    `backend` is an `AsyncBackend`. Raises what its methods raise.
    """
    traces.append(trace)
    try:
        missing = await _begin(backend, trace)
    except (BackendError, RejectError):
        if trace.session is None:
            traces.remove(trace)  # refused: there is nothing to undo
        raise
    sent(trace.material.size - sum(part.length for part in missing))
    await _send(backend, trace, missing, sent)
    # Also for a session that is finished already: the same answer again tells the blob and its time.
    await _finish(backend, trace)
    return trace


async def _begin(backend: Any, trace: Trace) -> list[ChunkRange]:
    """Open or find the session; gives the chunks to send, which are all where the backend cannot tell."""
    ranges = trace.ranges
    trace.session = await backend.uploads_begin(trace.capsule, len(ranges), trace.idem)
    try:
        status = await backend.uploads_status(trace.session)
    except RejectError as error:
        if error.error_code != NO_SUCH_METHOD:
            raise
        return list(ranges)
    trace.ours = status.blob_id is None
    return [ranges[index] for gap in status.missing for index in range(gap.start, gap.end)]


async def _send(backend: Any, trace: Trace, missing: list[ChunkRange], sent: Sent) -> None:
    queue = iter(missing)

    async def carrier() -> None:
        for part in queue:
            data = trace.material.read(part.offset, part.length)
            await backend.uploads_put_chunk(trace.session, part.index, data)
            sent(part.length)

    async with asyncio.TaskGroup() as carriers:
        for _ in range(min(WINDOW, len(missing))):
            carriers.create_task(carrier())


async def _finish(backend: Any, trace: Trace) -> None:
    """Finish; a backend that still hashes chunks which came early asks to be called again."""
    trace.finishing = True
    material = trace.material
    while trace.blob_id is None:
        try:
            result: UploadFinishResult = await backend.uploads_finish(
                trace.session, material.sha256, material.size
            )
        except BackendError as error:
            if error.tag != "Conflict" or not (error.detail or "").startswith("hash_in_progress"):
                trace.finishing = False  # refused: the session is as it was
                raise
        else:
            trace.blob_id, trace.uploaded_at = result.blob_id, result.uploaded_at


async def undo(backend: Any, trace: Trace) -> None:
    """Take away what a trace tells of. Raises what the backend raises; an end that came before is no error."""
    if trace.session is None and not await _found_again(backend, trace):
        return
    if not trace.ours:
        return
    if trace.finishing:
        await _finish_again(backend, trace)
    try:
        if trace.blob_id is None:
            await backend.uploads_abort(trace.session)
        else:
            await backend.blob_delete(trace.blob_id)
    except BackendError as error:
        if error.tag != "NotFound":
            raise


async def _found_again(backend: Any, trace: Trace) -> bool:
    """Whether a session whose begin was not answered is there after all."""
    try:
        await _begin(backend, trace)
    except BackendError:
        return trace.session is not None
    return True


async def _finish_again(backend: Any, trace: Trace) -> None:
    """Learn the blob of a session whose finish was not answered; a session that refuses can be aborted."""
    try:
        await _finish(backend, trace)
    except BackendError:
        trace.finishing = False
