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

from ic_harness.backend import AssetMetadata, AsyncBackend, InlineAssetInput, InternalBlobAssetInput, Memory
from ic_harness.errors import CallError, HarnessError, InputError, RejectError, UploadError

from . import describe
from .results import Asset, Listener, Progress, UploadedPhoto
from .session import NO_SUCH_METHOD, Trace, undo, upload_blob
from .source import PhotoSource
from .verify import compare_blob
from .worker import Derivatives, derive

_BLOBS: Final = ("Display", "Thumbnail")
_INLINE: Final = "Placeholder"
_ORDER: Final = ("Original", "Display", "Thumbnail", "Placeholder", "Metadata")


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
        upload = PhotoUpload(backend, source, on_progress or (lambda _: None))
        memory = await upload.run(capsule)
    return UploadedPhoto(
        photo=str(source.path),
        canister_id=str(backend.canister_id),
        capsule_id=memory.capsule_id,
        memory_id=memory.id,
        seconds=time.perf_counter() - started,
        bytes=source.size,
        verified=True,
        assets=_assets(memory),
    )


class PhotoUpload:
    """One photo on its way; `run` takes it there or unmakes what was made."""

    def __init__(self, backend: Any, source: PhotoSource, listener: Listener) -> None:
        self._backend = backend
        self._source = source
        self._listener = listener
        self._traces: list[Trace] = []
        self._memory_id: str | None = None
        self._done: dict[str, int] = {}

    async def run(self, capsule: str | None) -> Memory:
        """Upload, make the memory, read it back. Raises `ImageError` or `UploadError`."""
        try:
            return await self._run(capsule)
        except* HarnessError as group:
            failure = _first(group)
        except* BaseException as group:
            await asyncio.shield(self._undo())
            raise _first(group) from group
        leftovers = await asyncio.shield(self._undo())
        if isinstance(failure, InputError) and not leftovers:
            raise failure
        raise UploadError(f"{self._source.path}: {failure}", leftovers=leftovers, detail=failure) from failure

    async def _run(self, capsule: str | None) -> Memory:
        backend = self._backend
        config = await backend.upload_config()
        target = capsule or str((await backend.capsules_create(None)).id)
        async with asyncio.TaskGroup() as lanes:
            lane_a = lanes.create_task(self._lane_a(target, config.chunk_size))
            lane_b = lanes.create_task(self._lane_b(target, config.chunk_size))
        derivatives, blobs = lane_b.result()
        self._memory_id = await self._remember(target, derivatives, {"Original": lane_a.result(), **blobs})
        return await self._read_back(self._memory_id, derivatives)

    # -- the lanes ------------------------------------------------------------------------------------------

    async def _lane_a(self, capsule: str, chunk_size: int) -> Trace:
        return await self._send("original", "Original", self._source, capsule, chunk_size, self._source.size)

    async def _lane_b(self, capsule: str, chunk_size: int) -> tuple[Derivatives, dict[str, Trace]]:
        self._tell("derivatives", 0, None)
        derivatives = await derive(self._source)
        total = sum(derivatives.images[name].material.size for name in _BLOBS)
        traces = {}
        for name in _BLOBS:
            material = derivatives.images[name].material
            traces[name] = await self._send("derivatives", name, material, capsule, chunk_size, total)
        return derivatives, traces

    async def _send(
        self, lane: str, name: str, material: Any, capsule: str, chunk_size: int, total: int
    ) -> Trace:
        return await upload_blob(
            self._backend,
            capsule,
            material,
            idem=describe.idem(self._source, f"{name} {material.sha256.hex()} {chunk_size}"),
            chunk_size=chunk_size,
            sent=lambda count: self._tell(lane, count, total),
            traces=self._traces,
        )

    def _tell(self, lane: str, count: int, total: int | None) -> None:
        self._done[lane] = self._done.get(lane, 0) + count
        self._listener(Progress(lane=lane, done=self._done[lane], total=total))

    # -- the memory -----------------------------------------------------------------------------------------

    async def _remember(self, capsule: str, derivatives: Derivatives, traces: dict[str, Trace]) -> str:
        """Make the memory with one call, or with two on backends that cannot take inline assets along."""
        source, images = self._source, derivatives.images
        described = {name: describe.derivative(source, name, image) for name, image in images.items()}
        described["Original"] = describe.original(source, derivatives.facts)
        metadata = describe.memory(source, derivatives.facts, traces["Original"].uploaded_at)
        blobs = [
            InternalBlobAssetInput(blob_id=str(trace.blob_id), metadata=described[name])
            for name, trace in traces.items()
        ]
        inline = InlineAssetInput(bytes=images[_INLINE].material.data, metadata=described[_INLINE])
        key = describe.idem(source, "memory")
        try:
            return str(
                await self._backend.memories_create_with_internal_blobs_and_inline_assets(
                    capsule, metadata, blobs, [inline], key
                )
            )
        except RejectError as error:
            if error.error_code != NO_SUCH_METHOD:
                raise
        memory_id = await self._backend.memories_create_with_internal_blobs(capsule, metadata, blobs, key)
        self._memory_id = str(memory_id)
        await self._backend.memories_add_inline_asset(memory_id, inline, describe.idem(source, "placeholder"))
        return str(memory_id)

    async def _read_back(self, memory_id: str, derivatives: Derivatives) -> Memory:
        """Compare every asset with what was sent; raises `UploadError` at the first difference."""
        memory: Memory = await self._backend.memories_read(memory_id)
        sent: dict[str, Any] = {name: image.material for name, image in derivatives.images.items()}
        sent["Original"] = self._source
        total = sum(material.size for material in sent.values())
        stored = {asset.asset_type: asset for asset in _assets(memory)}
        if set(stored) != set(sent):
            raise UploadError(f"memory {memory_id} has the assets {sorted(stored)}, sent were {sorted(sent)}")
        for name, asset in stored.items():
            if asset.locator is not None:
                await compare_blob(
                    self._backend,
                    asset.locator,
                    sent[name],
                    lambda count: self._tell("read back", count, total),
                )
        inline = [asset.bytes for asset in memory.inline_assets]
        if inline != [sent[_INLINE].data]:
            raise UploadError(f"the placeholder of memory {memory_id} reads back different")
        self._tell("read back", sent[_INLINE].size, total)
        return memory

    # -- what is left when it fails --------------------------------------------------------------------------

    async def _undo(self) -> tuple[str, ...]:
        """Unmake what this upload made; names what could not be."""
        fresh = all(trace.ours for trace in self._traces)
        steps: list[tuple[str, Awaitable[Any]]] = []
        if self._memory_id is not None and fresh:
            delete = self._backend.memories_delete(self._memory_id, delete_assets=True)
            steps.append((f"memory {self._memory_id}", delete))
        steps += [(_name(trace), undo(self._backend, trace)) for trace in self._traces]
        return tuple([what for what, step in steps if not await _succeeds(step)])


def _name(trace: Trace) -> str:
    return trace.blob_id or f"session {trace.session}"


async def _succeeds(step: Awaitable[Any]) -> bool:
    try:
        await step
    except CallError:
        return False  # the caller names it as left behind
    return True


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _assets(memory: Memory) -> tuple[Asset, ...]:
    """The assets of a memory, in the order Original, Display, Thumbnail, Placeholder."""
    found = [
        *(
            _asset(blob.asset_id, blob.metadata, blob.blob_ref.locator)
            for blob in memory.blob_internal_assets
        ),
        *(_asset(inline.asset_id, inline.metadata, None) for inline in memory.inline_assets),
    ]
    return tuple(sorted(found, key=lambda asset: _ORDER.index(asset.asset_type)))


def _asset(asset_id: str, metadata: AssetMetadata, locator: str | None) -> Asset:
    base = metadata.value.base
    return Asset(
        asset_type=base.asset_type.value,
        asset_id=asset_id,
        locator=locator,
        bytes=base.bytes,
        sha256=(base.sha256 or b"").hex(),
        mime_type=base.mime_type,
        width=base.width or 0,
        height=base.height or 0,
    )
