"""One blob on its way to a backend that promises little: its hash depends on the order, and finish works once.

Chunks go one after the other, each when the last was answered, and nothing is sent a second time except as the same
signed request, which is the agent's affair: it looks a lost reply up by its request id first. When anything else goes
wrong, the session is aborted and the upload starts over with a fresh key. When the reply of finish was lost for good,
what it made is looked for, by the session's number or in the capsule. In the end the caller reads everything back.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from ic_capsule.backend import blob_of_session
from ic_harness.errors import BackendError, CallError, RejectError, UploadError

from .session import WINDOW, Sent, Trace, send_chunks
from .verify import compare_blob

ATTEMPTS: Final = 3
"""How often an upload starts over: once for bad luck, once more for somebody who meddles."""
PARALLEL: Final = WINDOW * 4
"""Chunks in flight where their order does not matter and they are small (65,536 bytes)."""


async def upload(
    backend: Any, trace: Trace, traces: list[Trace], sent: Sent, *, window: int = 1, numbered: bool = True
) -> Trace:
    """Store the material of `trace` as a blob; the trace is kept in `traces` while it may have to be undone.

    `window` chunks may be in flight at once where their order does not matter. `numbered` tells that the blob's number
    follows from the session's. Raises what the backend's methods raise, after `ATTEMPTS` attempts.
    """
    traces.append(trace)
    for attempt in range(1, ATTEMPTS + 1):
        told = _Told(sent)
        try:
            await _once(backend, trace, told, window=window, numbered=numbered)
        except (CallError, ExceptionGroup) as failure:
            error = _call_error(failure)
            if trace.session is None and isinstance(error, BackendError | RejectError):
                traces.remove(trace)  # refused: there is nothing to undo
                raise error from None
            if attempt == ATTEMPTS:
                raise error from None
            await _clear_away(backend, trace, error, numbered=numbered)
            told.take_back()
            _start_over(trace)
        else:
            break
    return trace


class _Told:
    """Counts what a listener was told, so that it can be taken back."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._sum = 0

    def __call__(self, count: int) -> None:
        self._sum += count
        self._sent(count)

    def take_back(self) -> None:
        self._sent(-self._sum)


def _call_error(failure: CallError | ExceptionGroup[Exception]) -> CallError:
    """The call that failed; whatever else failed beside it ends the upload at once."""
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


async def _clear_away(backend: Any, trace: Trace, cause: CallError, *, numbered: bool) -> None:
    """Abort what the failed attempt left; when that fails too, its cause is what tells most."""
    try:
        await undo(backend, trace, numbered=numbered)
    except CallError:
        raise cause from None


def _start_over(trace: Trace) -> None:
    """Forget the session that failed; the next one shares nothing with it, not even the key."""
    trace.session, trace.finishing = None, False
    trace.idem = f"ic-harness-{secrets.token_hex(20)}"
    if trace.metadata is not None:
        tag(trace)


def tag(trace: Trace) -> None:
    """Put the key into the metadata's tags: the only way to find a memory again whose finish was not answered."""
    assert trace.metadata is not None, "bug: only what has metadata is tagged"
    base = trace.metadata.value.base
    base = base.model_copy(update={"tags": [trace.idem]})
    asset = trace.metadata.value.model_copy(update={"base": base})
    trace.metadata = type(trace.metadata)(value=asset)  # type: ignore[arg-type]


async def _once(backend: Any, trace: Trace, sent: Sent, *, window: int, numbered: bool) -> None:
    """Make one attempt.

    A session that a killed upload has left is continued: its chunks are hashed again, and not stored a second time.
    """
    ranges = trace.ranges
    trace.session = await backend.begin_upload(trace.capsule, len(ranges), trace.idem, trace.metadata)
    await send_chunks(backend, trace, ranges, sent, window=window)
    trace.finishing = True
    try:
        result = await backend.uploads_finish(trace.session, trace.material.sha256, trace.material.size)
    except (BackendError, RejectError):
        trace.finishing = False  # refused: no blob was made
        raise
    except CallError:
        # The agent has given up on the reply: it may have been done all the same.
        if not await _found(backend, trace, numbered=numbered):
            raise
    else:
        trace.blob_id, trace.uploaded_at = result.blob_id, result.uploaded_at
        trace.memory_id = result.memory_id


async def _found(backend: Any, trace: Trace, *, numbered: bool) -> bool:
    """Look for what finish made: for the memory by its key, for the blob by its number and content."""
    if trace.metadata is not None and not await _memory_found(backend, trace):
        return False
    if trace.blob_id is not None:
        return True
    if not numbered or trace.session is None:
        return False
    locator = str(blob_of_session(trace.session))
    try:
        await compare_blob(backend, locator, trace.material, lambda _count: None)
    except (BackendError, UploadError):
        return False
    trace.blob_id = locator
    return True


async def _memory_found(backend: Any, trace: Trace) -> bool:
    cursor: str | None = None
    while True:
        page = await backend.memories_list(trace.capsule, cursor, None)
        for header in page.items:
            memory = await backend.memories_read(header.id)
            for asset in memory.blob_internal_assets:
                if trace.idem in asset.metadata.value.base.tags:
                    trace.memory_id, trace.blob_id = memory.id, asset.blob_ref.locator
                    trace.uploaded_at = memory.metadata.uploaded_at
                    return True
        cursor = page.next_cursor
        if cursor is None:
            return False


async def undo(backend: Any, trace: Trace, *, numbered: bool = True) -> None:
    """Take away what a trace tells of. Raises what the backend raises; an end that came before is no error.

    Generations A and B cannot delete blobs: `NotInGenerationError` is raised once everything else is gone. They may
    refuse to delete the memory of a blob too; the trace then still has its `memory_id`.
    """
    if trace.session is None:
        # The reply of begin was lost: the same key finds the session, or makes one to be aborted.
        try:
            trace.session = await backend.begin_upload(
                trace.capsule, len(trace.ranges), trace.idem, trace.metadata
            )
        except BackendError:
            return  # refused now, and so before
    if trace.finishing and trace.blob_id is None:
        await _found(backend, trace, numbered=numbered)
    if trace.blob_id is None:
        await _unless_gone(backend.uploads_abort(trace.session))
        return
    if trace.memory_id:
        await _unless_gone(backend.memories_delete(trace.memory_id, delete_assets=False))
        trace.memory_id = ""
    await _unless_gone(backend.blob_delete(trace.blob_id))


async def _unless_gone(step: Any) -> None:
    try:
        await step
    except BackendError as error:
        if error.tag != "NotFound":
            raise
