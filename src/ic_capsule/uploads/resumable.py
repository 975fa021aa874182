"""Uploads one blob to a backend with resumable uploads: chunks in any order, and every call repeatable.

Only chunks that the backend does not have are sent. Begin and finish return the same reply again, so a call whose reply
was lost is repeated.
"""

from __future__ import annotations

from ic_harness.errors import BackendError, RejectError

from .calls import AsyncBackendCalls, BlobId, SessionId
from .source import ChunkRange
from .upload_state import WINDOW, BlobUpload, Sent, send_chunks


async def upload(
    backend: AsyncBackendCalls,
    state: BlobUpload,
    states: list[BlobUpload],
    sent: Sent,
    *,
    fresh: bool = False,
) -> BlobUpload:
    """Store the content of `state` as a blob; `states` has the state while it may have to be undone.

    `fresh`: the session is most likely new, so its status is queried only when it refuses a chunk. Raises what the
    calls raise.
    """
    states.append(state)
    try:
        missing = await (_open if fresh else _begin)(backend, state)
    except (BackendError, RejectError):
        if state.session is None:
            states.remove(state)  # refused: there is nothing to undo
        raise
    sent(state.content.size - sum(part.length for part in missing))
    try:
        await send_chunks(backend, state, missing, sent, window=WINDOW)
    except* BackendError:
        if not fresh:
            raise
        # The session was not new: it is finished, or has chunks of an earlier upload.
        await send_chunks(backend, state, await _begin(backend, state), sent, window=WINDOW)
    # Also for a finished session: the repeated reply contains the blob and its time.
    await _finish(backend, state)
    return state


async def _open(backend: AsyncBackendCalls, state: BlobUpload) -> list[ChunkRange]:
    """Open the session; returns all chunks."""
    ranges = state.ranges
    state.session = SessionId(await backend.uploads_begin(state.capsule, len(ranges), state.idem))
    return list(ranges)


async def _begin(backend: AsyncBackendCalls, state: BlobUpload) -> list[ChunkRange]:
    """Open or find the session; returns the chunks to send."""
    ranges = await _open(backend, state)
    status = await backend.uploads_status(state.opened())
    state.ours = status.blob_id is None
    return [ranges[index] for gap in status.missing for index in range(gap.start, gap.end)]


async def _finish(backend: AsyncBackendCalls, state: BlobUpload) -> None:
    """Finish; a backend that is still hashing chunks which arrived early asks for another call."""
    state.finishing = True
    content = state.content
    while state.blob_id is None:
        try:
            result = await backend.uploads_finish(state.opened(), content.sha256, content.size)
        except BackendError as error:
            if error.tag != "Conflict" or not (error.detail or "").startswith("hash_in_progress"):
                state.finishing = False  # refused: the session is as it was
                raise
        else:
            state.blob_id, state.uploaded_at = BlobId(result.blob_id), result.uploaded_at


async def undo(backend: AsyncBackendCalls, state: BlobUpload) -> None:
    """Remove what `state` has created. Raises what the calls raise; what is already gone is no error."""
    if state.session is None and not await _found_again(backend, state):
        return
    if not state.ours:
        return
    if state.finishing:
        await _finish_again(backend, state)
    try:
        if state.blob_id is None:
            await backend.uploads_abort(state.opened())
        else:
            await backend.blob_delete(state.blob_id)
    except BackendError as error:
        if error.tag != "NotFound":
            raise


async def _found_again(backend: AsyncBackendCalls, state: BlobUpload) -> bool:
    """Whether a session exists although the reply of begin was lost."""
    try:
        await _begin(backend, state)
    except BackendError:
        return state.session is not None
    return True


async def _finish_again(backend: AsyncBackendCalls, state: BlobUpload) -> None:
    """Repeat a finish whose reply was lost; a session that refuses it can be aborted."""
    try:
        await _finish(backend, state)
    except BackendError:
        state.finishing = False
