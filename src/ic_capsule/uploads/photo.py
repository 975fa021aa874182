"""A photo through both lanes: the original in chunks, the derivatives rendered meanwhile, then one memory of four.

Lane A sends the original. Lane B renders display, thumbnail and placeholder in a worker process and sends the
first two; the placeholder travels inline with the memory, where the backend can take it so (see `strategy`).
When anything fails, both lanes stop, and what they left on the backend is taken away: sessions aborted, blobs and
memory deleted.

Everything is derived from the file, so the same upload again continues where it broke off, and gives the same
memory when it was complete.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeAlias

from ic_capsule.backend import AssetMetadata, AsyncBackend
from ic_harness.errors import HarnessError, InputError, UploadError

from . import careful, describe
from .material import Material
from .memory import Described, MemoryDraft
from .results import Asset, Listener, Progress, UploadedPhoto
from .separate import SeparateMemories
from .session import Trace
from .settled import Settled
from .source import FileSource, PhotoSource
from .strategy import Shape, Strategy, choose
from .worker import Derivatives, derive


async def upload_photo_async(
    backend: AsyncBackend,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store the photo at `path` as a memory with four assets in `capsule` (None: the caller's own).

    The backend may be of any generation (see `strategy`): of generations A and B, which cannot have several assets in a
    memory, the result's `memory_id` is that of the original, and `other_memories` are those of the other assets.
    Raises `ImageError` for what is no image, `UploadError` when the backend or network failed; nothing is left
    behind then, or `leftovers` names it.
    """
    started = time.perf_counter()
    with PhotoSource(path) as source:
        upload = PhotoUpload(Settled(backend), source, on_progress or (lambda _: None))
        draft, assets = await upload.run(capsule)
    return UploadedPhoto(
        photo=str(source.path),
        canister_id=str(backend.canister_id),
        capsule_id=draft.capsule,
        memory_id=str(draft.memory_id),
        seconds=time.perf_counter() - started,
        bytes=source.size,
        verified=True,
        assets=assets,
        other_memories=draft.other_memories,
    )


Draft: TypeAlias = MemoryDraft | SeparateMemories


@dataclass(frozen=True, slots=True)
class Sending:
    """Where the blobs of a photo go, and how."""

    strategy: Strategy
    capsule: str
    chunk_size: int


class PhotoUpload:
    """One photo on its way; `run` takes it there or unmakes what was made."""

    def __init__(self, backend: Settled, source: FileSource, listener: Listener) -> None:
        self._backend = backend
        self._source = source
        self._keys = describe.Keys(source)
        self._listener = listener
        self._traces: list[Trace] = []
        self._draft: Draft | None = None
        self._strategy: Strategy | None = None
        self._done: dict[str, int] = {}
        self.derivatives: Derivatives | None = None
        """What was made of the photo, once it was."""

    async def run(self, capsule: str | None) -> tuple[Draft, tuple[Asset, ...]]:
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

    async def _run(self, capsule: str | None) -> tuple[Draft, tuple[Asset, ...]]:
        backend = self._backend
        strategy = self._strategy = choose(await backend.recognize())
        backend.insists = strategy.repeatable
        if strategy.irreversible:
            self._listener(Progress(lane="notice", done=0, total=None, notice=strategy.irreversible))
        config = await backend.upload_config()
        target = capsule or str((await backend.capsules_create(None)).id)
        sending = Sending(strategy, target, config.chunk_size)
        async with asyncio.TaskGroup() as lanes:
            derived = lanes.create_task(self._derive())
            lane_a = lanes.create_task(self._lane_a(sending, derived))
            lane_b = lanes.create_task(self._lane_b(sending, derived, lane_a))
        traces = {"Original": lane_a.result(), **lane_b.result()}
        self._draft = self._draft_of(derived.result(), traces, strategy.shape)
        await self._draft.make(backend)
        assets = await self._draft.read_back(
            backend, lambda count, total: self._tell("read back", count, total)
        )
        return self._draft, assets

    def _draft_of(self, derivatives: Derivatives, traces: dict[str, Trace], shape: Shape) -> Draft:
        assets = self._described(derivatives)
        if shape is Shape.ONE_EACH:
            return SeparateMemories(self._keys, assets, traces)
        about = describe.About(self._source, derivatives.facts)
        return MemoryDraft(self._keys, about, assets, traces, shape)

    def _described(self, derivatives: Derivatives) -> dict[str, Described]:
        source = self._source
        original = Described(material=source, metadata=describe.original(source, derivatives.facts))
        others = {
            name: Described(material=image.material, metadata=describe.derivative(source, name, image))
            for name, image in derivatives.images.items()
        }
        return {**others, "Original": original}

    async def _derive(self) -> Derivatives:
        self._tell("derivatives", 0, None)
        self.derivatives = await derive(self._source)
        return self.derivatives

    async def _lane_a(self, sending: Sending, derived: asyncio.Task[Derivatives]) -> Trace:
        about = None
        if sending.strategy.one_at_a_time:
            about = describe.original(self._source, (await derived).facts)
        trace = self._trace("Original", self._source, about, sending)
        return await self._send("original", trace, sending, self._source.size)

    async def _lane_b(
        self, sending: Sending, derived: asyncio.Task[Derivatives], lane_a: asyncio.Task[Trace]
    ) -> dict[str, Trace]:
        described = self._described(await derived)
        if sending.strategy.one_at_a_time:
            await lane_a
        traces = {
            name: self._trace(name, described[name].material, described[name].metadata, sending)
            for name in sending.strategy.blobs
        }
        total = sum(trace.material.size for trace in traces.values())
        for trace in traces.values():
            await self._send("derivatives", trace, sending, total)
        return traces

    def _trace(
        self, name: str, material: Material, metadata: AssetMetadata | None, sending: Sending
    ) -> Trace:
        idem = self._keys.of(f"{name} {material.sha256.hex()} {sending.chunk_size}")
        trace = Trace(capsule=sending.capsule, idem=idem, material=material, chunk_size=sending.chunk_size)
        if sending.strategy.one_at_a_time:
            trace.metadata = metadata
            careful.tag(trace)
        return trace

    async def _send(self, lane: str, trace: Trace, sending: Sending, total: int) -> Trace:
        return await sending.strategy.upload(
            self._backend, trace, self._traces, lambda count: self._tell(lane, count, total)
        )

    def _tell(self, lane: str, count: int, total: int | None) -> None:
        self._done[lane] = self._done.get(lane, 0) + count
        self._listener(Progress(lane=lane, done=self._done[lane], total=total))

    async def _undo(self) -> tuple[str, ...]:
        """Unmake what this upload made; names what could not be."""
        left: list[str] = []
        if self._draft is not None and not await _succeeds(self._draft.undo(self._backend)):
            left.append(self._draft.left)
            if self._draft.keeps_blobs:
                return tuple(left)
        for trace in self._traces:
            if not await _succeeds(self._undo_trace(trace)):
                left += trace.names
        return tuple(left)

    async def _undo_trace(self, trace: Trace) -> bool:
        assert self._strategy is not None, "bug: there is a trace of an upload that was not begun"
        await self._strategy.undo(self._backend, trace)
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
