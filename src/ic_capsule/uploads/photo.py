"""Uploads a photo in two lanes: the original in chunks, the derivatives rendered at the same time, then one memory.

Lane A sends the original. Lane B renders the derivatives (`ic_capsule.assets`) in a worker process and sends those that
are blobs; the others are sent inline with the memory, where the backend accepts that (see `strategy`). When anything
fails, both lanes stop, and what they left on the backend is removed: sessions are aborted, blobs and memory deleted.

Everything is derived from the file, so a repeated upload continues where the last one was interrupted, and returns the
same memory when that was complete.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeAlias

from ic_capsule.assets import AssetName, DerivativeName
from ic_capsule.backend import AssetMetadata
from ic_harness.errors import HarnessError, InputError, UploadError

from . import sequential
from .calls import AsyncBackendCalls, CapsuleId
from .content import ByteSource
from .memory import AssetSpec, MemoryDraft
from .metadata import IdempotencyKeys, PhotoInfo, derivative_metadata, photo_metadata
from .per_asset_memories import PerAssetMemories
from .results import Asset, Lane, Listener, Progress, UploadedPhoto
from .shielded import ShieldedClient
from .source import FileSource, PhotoSource
from .strategy import MemoryLayout, Strategy, choose_strategy
from .upload_state import BlobUpload
from .worker import Derivatives, derive


async def upload_photo_async(
    backend: AsyncBackendCalls,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store the photo at `path` as a memory with four assets in `capsule` (None: the caller's own).

    The backend may be of any generation (see `strategy`). On generations A and B a memory cannot have several assets:
    `memory_id` is that of the original, and `other_memories` are those of the other assets. Raises `ImageError` for a
    file that is no image, `UploadError` when the backend or network failed; then nothing is left behind, or
    `leftovers` names it.
    """
    started = time.perf_counter()
    with PhotoSource(path) as source:
        upload = PhotoUpload(ShieldedClient(backend), source, on_progress or (lambda _: None))
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


Draft: TypeAlias = MemoryDraft | PerAssetMemories


@dataclass(frozen=True, slots=True)
class Sending:
    """The strategy and the target of the blobs of a photo; `chunk_size` in bytes."""

    strategy: Strategy
    capsule: CapsuleId
    chunk_size: int


class PhotoUpload:
    """The upload of one photo; `run` completes it or removes what it has created."""

    def __init__(self, backend: ShieldedClient, source: FileSource, listener: Listener) -> None:
        self._backend = backend
        self._source = source
        self._keys = IdempotencyKeys(source)
        self._listener = listener
        self._traces: list[BlobUpload] = []
        self._draft: Draft | None = None
        self._strategy: Strategy | None = None
        self._done: dict[Lane, int] = {}
        self.derivatives: Derivatives | None = None
        """The derivatives, once they are rendered."""

    async def run(self, capsule: str | None) -> tuple[Draft, tuple[Asset, ...]]:
        """Upload, create the memory, read it back. Raises `ImageError` or `UploadError`."""
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
        strategy = self._strategy = choose_strategy(await backend.detect_generation())
        backend.retry_allowed = strategy.repeatable
        if strategy.irreversible:
            self._listener(Progress(lane="notice", done=0, total=None, notice=strategy.irreversible))
        config = await backend.upload_config()
        target = CapsuleId(capsule or (await backend.capsules_create(None)).id)
        sending = Sending(strategy, target, config.chunk_size)
        async with asyncio.TaskGroup() as lanes:
            derived = lanes.create_task(self._derive())
            lane_a = lanes.create_task(self._lane_a(sending, derived))
            lane_b = lanes.create_task(self._lane_b(sending, derived, lane_a))
        states: dict[AssetName, BlobUpload] = {"Original": lane_a.result()}
        states.update(lane_b.result().items())
        self._draft = self._draft_of(derived.result(), states, strategy.layout)
        await self._draft.make(backend)
        assets = await self._draft.read_back(
            backend, lambda count, total: self._report("read back", count, total)
        )
        return self._draft, assets

    def _draft_of(
        self, derivatives: Derivatives, states: dict[AssetName, BlobUpload], layout: MemoryLayout
    ) -> Draft:
        assets = self._described(derivatives)
        if layout is MemoryLayout.PER_ASSET:
            return PerAssetMemories(self._keys, assets, states)
        about = PhotoInfo(self._source, derivatives.facts)
        return MemoryDraft(self._keys, about, assets, states, layout)

    def _described(self, derivatives: Derivatives) -> dict[AssetName, AssetSpec]:
        source = self._source
        original = AssetSpec(content=source, metadata=photo_metadata(source, derivatives.facts))
        assets: dict[AssetName, AssetSpec] = {
            name: AssetSpec(content=image.content, metadata=derivative_metadata(source, name, image))
            for name, image in derivatives.images.items()
        }
        return {**assets, "Original": original}

    async def _derive(self) -> Derivatives:
        self._report("derivatives", 0, None)
        self.derivatives = await derive(self._source)
        return self.derivatives

    async def _lane_a(self, sending: Sending, derived: asyncio.Task[Derivatives]) -> BlobUpload:
        about = None
        if sending.strategy.one_at_a_time:
            about = photo_metadata(self._source, (await derived).facts)
        state = self._new_state("Original", self._source, about, sending)
        return await self._send("original", state, sending, self._source.size)

    async def _lane_b(
        self, sending: Sending, derived: asyncio.Task[Derivatives], lane_a: asyncio.Task[BlobUpload]
    ) -> dict[DerivativeName, BlobUpload]:
        described = self._described(await derived)
        if sending.strategy.one_at_a_time:
            await lane_a
        states = {
            name: self._new_state(name, described[name].content, described[name].metadata, sending)
            for name in sending.strategy.blobs
        }
        total = sum(state.content.size for state in states.values())
        for state in states.values():
            await self._send("derivatives", state, sending, total)
        return states

    def _new_state(
        self, name: AssetName, content: ByteSource, metadata: AssetMetadata | None, sending: Sending
    ) -> BlobUpload:
        idem = self._keys.of(f"{name} {content.sha256.hex()} {sending.chunk_size}")
        state = BlobUpload(capsule=sending.capsule, idem=idem, content=content, chunk_size=sending.chunk_size)
        if sending.strategy.one_at_a_time:
            state.metadata = metadata
            sequential.tag(state)
        return state

    async def _send(self, lane: Lane, state: BlobUpload, sending: Sending, total: int) -> BlobUpload:
        return await sending.strategy.upload(
            self._backend, state, self._traces, lambda count: self._report(lane, count, total)
        )

    def _report(self, lane: Lane, count: int, total: int | None) -> None:
        self._done[lane] = self._done.get(lane, 0) + count
        self._listener(Progress(lane=lane, done=self._done[lane], total=total))

    async def _undo(self) -> tuple[str, ...]:
        """Remove what this upload has created; returns the names of what could not be removed."""
        left: list[str] = []
        if self._draft is not None and not await _succeeds(self._draft.undo(self._backend)):
            left.append(self._draft.left)
            if self._draft.keeps_blobs:
                return tuple(left)
        for state in self._traces:
            if not await _succeeds(self._undo_blob(state)):
                left += state.names
        return tuple(left)

    async def _undo_blob(self, state: BlobUpload) -> bool:
        assert self._strategy is not None, "bug: there is a state of an upload without a strategy"
        await self._strategy.undo(self._backend, state)
        return True


async def _succeeds(step: Awaitable[bool]) -> bool:
    try:
        return await step
    except HarnessError:
        return False  # the caller names it as left behind


def _cause(error: BaseException) -> BaseException:
    """The most specific error: of two lanes that failed at once the one about the image."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_cause(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, InputError)), causes[0])
