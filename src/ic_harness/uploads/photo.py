"""A photo through both lanes: the original in chunks, the derivatives rendered meanwhile, then one memory of four.

Lane A sends the original. Lane B renders display, thumbnail and placeholder in a worker process and sends the
first two; the placeholder travels inline with the memory. When anything fails, both lanes stop, and what they
left on the backend is taken away: sessions aborted, blobs and memory deleted.

Everything is derived from the file, so the same upload again continues where it broke off, and gives the same
memory when it was complete.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from typing import Any, Final

from ic_harness.backend import AsyncBackend, Memory
from ic_harness.errors import HarnessError, InputError, UploadError

from .describe import Keys
from .material import Material
from .memory import MemoryDraft, assets_of
from .results import Listener, Progress, UploadedPhoto
from .session import Trace, undo, upload_blob
from .settled import Settled
from .source import PhotoSource
from .worker import Derivatives, derive

_BLOBS: Final = ("Display", "Thumbnail")


async def upload_photo_async(
    backend: AsyncBackend,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store the photo at `path` as a memory with four assets in `capsule` (None: the caller's own).

    Raises `ImageError` for what is no image, `UploadError` when the backend or network failed; nothing is left
    behind then, or `leftovers` names it.
    """
    started = time.perf_counter()
    with PhotoSource(path) as source:
        upload = PhotoUpload(Settled(backend), source, on_progress or (lambda _: None))
        memory = await upload.run(capsule)
    return UploadedPhoto(
        photo=str(source.path),
        canister_id=str(backend.canister_id),
        capsule_id=memory.capsule_id,
        memory_id=memory.id,
        seconds=time.perf_counter() - started,
        bytes=source.size,
        verified=True,
        assets=assets_of(memory),
    )


class PhotoUpload:
    """One photo on its way; `run` takes it there or unmakes what was made."""

    def __init__(self, backend: Any, source: PhotoSource, listener: Listener) -> None:
        self._backend = backend
        self._source = source
        self._keys = Keys(source)
        self._listener = listener
        self._traces: list[Trace] = []
        self._draft: MemoryDraft | None = None
        self._done: dict[str, int] = {}

    async def run(self, capsule: str | None) -> Memory:
        """Upload, make the memory, read it back. Raises `ImageError` or `UploadError`."""
        try:
            return await self._run(capsule)
        except BaseException as error:  # noqa: BLE001 - everything is undone, and raised again
            cause = _cause(error)
            leftovers = await asyncio.shield(self._undo())
            if isinstance(cause, HarnessError) and (leftovers or not isinstance(cause, InputError)):
                message = f"{self._source.path}: {cause}"
                raise UploadError(message, leftovers=leftovers, detail=cause) from cause
            if leftovers:
                cause.add_note(f"Left behind on the backend: {', '.join(leftovers)}.")
            raise cause from None

    async def _run(self, capsule: str | None) -> Memory:
        backend = self._backend
        config = await backend.upload_config()
        target = capsule or str((await backend.capsules_create(None)).id)
        async with asyncio.TaskGroup() as lanes:
            lane_a = lanes.create_task(self._lane_a(target, config.chunk_size))
            lane_b = lanes.create_task(self._lane_b(target, config.chunk_size))
        derivatives, blobs = lane_b.result()
        traces = {"Original": lane_a.result(), **blobs}
        self._draft = MemoryDraft(self._source, self._keys, derivatives, traces)
        await self._draft.make(backend)
        return await self._draft.read_back(
            backend, lambda count, total: self._tell("read back", count, total)
        )

    async def _lane_a(self, capsule: str, chunk_size: int) -> Trace:
        trace = self._trace("Original", self._source, capsule, chunk_size)
        return await self._send("original", trace, self._source.size)

    async def _lane_b(self, capsule: str, chunk_size: int) -> tuple[Derivatives, dict[str, Trace]]:
        self._tell("derivatives", 0, None)
        derivatives = await derive(self._source)
        traces = {
            name: self._trace(name, derivatives.images[name].material, capsule, chunk_size) for name in _BLOBS
        }
        total = sum(trace.material.size for trace in traces.values())
        for trace in traces.values():
            await self._send("derivatives", trace, total)
        return derivatives, traces

    def _trace(self, name: str, material: Material, capsule: str, chunk_size: int) -> Trace:
        idem = self._keys.of(f"{name} {material.sha256.hex()} {chunk_size}")
        return Trace(capsule=capsule, idem=idem, material=material, chunk_size=chunk_size)

    async def _send(self, lane: str, trace: Trace, total: int) -> Trace:
        return await upload_blob(
            self._backend, trace, self._traces, lambda count: self._tell(lane, count, total)
        )

    def _tell(self, lane: str, count: int, total: int | None) -> None:
        self._done[lane] = self._done.get(lane, 0) + count
        self._listener(Progress(lane=lane, done=self._done[lane], total=total))

    async def _undo(self) -> tuple[str, ...]:
        """Unmake what this upload made; names what could not be."""
        if self._draft is not None:
            undone = self._draft.undo(self._backend)
            if not await _succeeds(undone):
                return (f"memory {self._draft.memory_id or 'whose id is not known'}",)
        left = [
            trace.name for trace in self._traces if not await _succeeds(_undo_trace(self._backend, trace))
        ]
        return tuple(left)


async def _undo_trace(backend: Any, trace: Trace) -> bool:
    await undo(backend, trace)
    return True


async def _succeeds(step: Awaitable[bool]) -> bool:
    try:
        return await step
    except HarnessError:
        return False  # the caller names it as left behind


def _cause(error: BaseException) -> BaseException:
    """The error that tells most: of two lanes that failed at once the one about the image."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_cause(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, InputError)), causes[0])
