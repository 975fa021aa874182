"""One blob on its way to a backend that keeps the reference's promises: chunks in any order, and everything again.

Only those chunks are sent that the backend does not have yet. Begin and finish give the same answer again, so a lost
reply is asked for once more.
"""

from __future__ import annotations

from typing import Any

from ic_capsule.backend import UploadFinishResult
from ic_harness.errors import BackendError, RejectError

from .session import WINDOW, Sent, Trace, send_chunks
from .source import ChunkRange


async def upload(
    backend: Any, trace: Trace, traces: list[Trace], sent: Sent, *, fresh: bool = False
) -> Trace:
    """Store the material of `trace` as a blob; the trace is kept in `traces` while it may have to be undone.

    `backend` is an `AsyncBackend`. `fresh` says that the session is most likely new: what it has is then asked only
    when it refuses a chunk. Raises what the backend's methods raise.
    """
    traces.append(trace)
    try:
        missing = await (_open if fresh else _begin)(backend, trace)
    except (BackendError, RejectError):
        if trace.session is None:
            traces.remove(trace)  # refused: there is nothing to undo
        raise
    sent(trace.material.size - sum(part.length for part in missing))
    try:
        await send_chunks(backend, trace, missing, sent, window=WINDOW)
    except* BackendError:
        if not fresh:
            raise
        # It was not new: it is finished, or has chunks of an upload that nobody remembers.
        await send_chunks(backend, trace, await _begin(backend, trace), sent, window=WINDOW)
    # Also for a session that is finished already: the same answer again tells the blob and its time.
    await _finish(backend, trace)
    return trace


async def _open(backend: Any, trace: Trace) -> list[ChunkRange]:
    """Open the session; returns all chunks."""
    ranges = trace.ranges
    trace.session = await backend.uploads_begin(trace.capsule, len(ranges), trace.idem)
    return list(ranges)


async def _begin(backend: Any, trace: Trace) -> list[ChunkRange]:
    """Open or find the session; returns the chunks to send."""
    ranges = await _open(backend, trace)
    status = await backend.uploads_status(trace.session)
    trace.ours = status.blob_id is None
    return [ranges[index] for gap in status.missing for index in range(gap.start, gap.end)]


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
