"""Uploads one blob to a backend without resumable uploads: its hash depends on the order, and finish works once.

Chunks are sent one after another, each after the reply to the last, and none is sent twice except as the same signed
request: the agent looks up a lost reply by its request id. On any other failure the session is aborted and the upload
starts over with a new key. When the reply of finish is lost for good, its blob is looked up by the session's number, or
its memory in the capsule. The caller reads everything back at the end.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from typing import Final

from ic_capsule.backend import blob_of_session
from ic_harness.errors import BackendError, CallError, RejectError, UploadError

from .calls import AsyncBackendCalls, BlobId, MemoryId, SessionId
from .upload_state import WINDOW, BlobUpload, Sent, send_chunks
from .verify import compare_blob

ATTEMPTS: Final = 3
"""How often an upload is attempted: twice more, for a lost reply and for another caller's interference."""
PARALLEL: Final = WINDOW * 4
"""Chunks in flight where their order does not matter and they are small (65,536 bytes)."""


async def upload(
    backend: AsyncBackendCalls,
    state: BlobUpload,
    states: list[BlobUpload],
    sent: Sent,
    *,
    window: int = 1,
    blob_id_known: bool = True,
) -> BlobUpload:
    """Store the content of `state` as a blob; `states` has the state while it may have to be undone.

    `window` chunks may be in flight at once where their order does not matter. `blob_id_known`: the blob's id follows
    from the session's. Raises what the calls raise, after `ATTEMPTS` attempts.
    """
    states.append(state)
    for attempt in range(1, ATTEMPTS + 1):
        progress = _Progress(sent)
        try:
            await _once(backend, state, progress, window=window, blob_id_known=blob_id_known)
        except (CallError, ExceptionGroup) as failure:
            error = _call_error(failure)
            if state.session is None and isinstance(error, BackendError | RejectError):
                states.remove(state)  # refused: there is nothing to undo
                raise error from None
            if attempt == ATTEMPTS:
                raise error from None
            await _clear_away(backend, state, error, blob_id_known=blob_id_known)
            progress.take_back()
            _start_over(state)
        else:
            break
    return state


class _Progress:
    """Counts the bytes that a listener was called with, so that they can be taken back."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._sum = 0

    def __call__(self, count: int) -> None:
        self._sum += count
        self._sent(count)

    def take_back(self) -> None:
        self._sent(-self._sum)


def _call_error(failure: CallError | ExceptionGroup[Exception]) -> CallError:
    """Return the call that failed; any other failure beside it ends the upload at once."""
    if isinstance(failure, CallError):
        return failure
    others = failure.split(CallError)[1]
    if others is not None:
        raise failure
    error: Exception = failure
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, CallError), "bug: a group of call errors holds another one"
    return error


async def _clear_away(
    backend: AsyncBackendCalls, state: BlobUpload, cause: CallError, *, blob_id_known: bool
) -> None:
    """Abort what the failed attempt left; when that fails too, raise the attempt's own error."""
    try:
        await undo(backend, state, blob_id_known=blob_id_known)
    except CallError:
        raise cause from None


def _start_over(state: BlobUpload) -> None:
    """Forget the session that failed; the next one shares nothing with it, not even the key."""
    state.session, state.finishing = None, False
    state.idem = f"ic-harness-{secrets.token_hex(20)}"
    if state.metadata is not None:
        tag(state)


def tag(state: BlobUpload) -> None:
    """Put the key into the metadata's tags: the only way to find the memory of a finish whose reply was lost."""
    assert state.metadata is not None, "bug: only what has metadata is tagged"
    base = state.metadata.value.base
    base = base.model_copy(update={"tags": [state.idem]})
    asset = state.metadata.value.model_copy(update={"base": base})
    state.metadata = type(state.metadata)(value=asset)  # type: ignore[arg-type]


async def _once(
    backend: AsyncBackendCalls, state: BlobUpload, sent: Sent, *, window: int, blob_id_known: bool
) -> None:
    """Make one attempt.

    A session that a killed upload has left is continued: its chunks are hashed again, and not stored a second time.
    """
    ranges = state.ranges
    session = await backend.begin_upload(state.capsule, len(ranges), state.idem, state.metadata)
    state.session = SessionId(session)
    await send_chunks(backend, state, ranges, sent, window=window)
    state.finishing = True
    try:
        result = await backend.uploads_finish(state.session, state.content.sha256, state.content.size)
    except (BackendError, RejectError):
        state.finishing = False  # refused: no blob was created
        raise
    except CallError:
        # The agent has given up on the reply, but the call may have been executed.
        if not await _found(backend, state, blob_id_known=blob_id_known):
            raise
    else:
        state.blob_id, state.uploaded_at = BlobId(result.blob_id), result.uploaded_at
        state.memory_id = MemoryId(result.memory_id) if result.memory_id else None


async def _found(backend: AsyncBackendCalls, state: BlobUpload, *, blob_id_known: bool) -> bool:
    """Look for what finish created: the memory by its key, the blob by its id and content."""
    if state.metadata is not None and not await _memory_found(backend, state):
        return False
    if state.blob_id is not None:
        return True
    if not blob_id_known or state.session is None:
        return False
    locator = BlobId(str(blob_of_session(state.session)))
    try:
        await compare_blob(backend, locator, state.content, lambda _count: None)
    except (BackendError, UploadError):
        return False
    state.blob_id = locator
    return True


async def _memory_found(backend: AsyncBackendCalls, state: BlobUpload) -> bool:
    cursor: str | None = None
    while True:
        page = await backend.memories_list(state.capsule, cursor, None)
        for header in page.items:
            memory = await backend.memories_read(header.id)
            for asset in memory.blob_internal_assets:
                if state.idem in asset.metadata.value.base.tags:
                    state.memory_id, state.blob_id = MemoryId(memory.id), BlobId(asset.blob_ref.locator)
                    state.uploaded_at = memory.metadata.uploaded_at
                    return True
        cursor = page.next_cursor
        if cursor is None:
            return False


async def undo(backend: AsyncBackendCalls, state: BlobUpload, *, blob_id_known: bool = True) -> None:
    """Remove what `state` has created. Raises what the calls raise; what is already gone is no error.

    Generations A and B cannot delete blobs: `NotInGenerationError` is raised once everything else is removed. They may
    refuse to delete the memory of a blob too; the state then still has its `memory_id`.
    """
    if state.session is None:
        # The reply of begin was lost: the same key finds the session, or opens one to be aborted.
        try:
            session = await backend.begin_upload(state.capsule, len(state.ranges), state.idem, state.metadata)
        except BackendError:
            return  # refused now, and so before
        state.session = SessionId(session)
    if state.finishing and state.blob_id is None:
        await _found(backend, state, blob_id_known=blob_id_known)
    if state.blob_id is None:
        await _unless_gone(backend.uploads_abort(state.session))
        return
    if state.memory_id is not None:
        await _unless_gone(backend.memories_delete(state.memory_id, False))
        state.memory_id = None
    await _unless_gone(backend.blob_delete(state.blob_id))


async def _unless_gone(call: Awaitable[object]) -> None:
    try:
        await call
    except BackendError as error:
        if error.tag != "NotFound":
            raise
