"""Creates the memory at the end of an upload, reads it back, and removes it when that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ic_capsule.assets import ASSETS, AssetName, name_of
from ic_capsule.backend import AssetMetadata, InlineAssetInput, InternalBlobAssetInput, Memory
from ic_harness.errors import BackendError, RejectError, UploadError

from .calls import AsyncBackendCalls, BlobId, MemoryId
from .content import ByteSource
from .metadata import IdempotencyKeys, PhotoInfo, memory_metadata
from .results import Asset
from .strategy import MemoryLayout
from .upload_state import BlobUpload
from .verify import compare_blob

Compared = Callable[[int, int], None]
"""Called with the bytes compared since the last call, and the bytes of all assets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSpec:
    """One asset of an upload: its content and its metadata."""

    content: ByteSource
    metadata: AssetMetadata


class MemoryDraft:
    """One memory of all assets: `make` it, `read_back` it, or `undo` it."""

    other_memories: Final[tuple[str, ...]] = ()
    keeps_blobs: Final = True
    """Whether a memory that could not be removed refers to the blobs, so that they must stay."""

    def __init__(
        self,
        keys: IdempotencyKeys,
        about: PhotoInfo,
        assets: Mapping[AssetName, AssetSpec],
        states: Mapping[AssetName, BlobUpload],
        layout: MemoryLayout,
    ) -> None:
        self.capsule = states["Original"].capsule
        self.memory_id: MemoryId | None = None
        self._layout = layout
        self._sent = assets
        self._metadata = memory_metadata(about, states["Original"].uploaded_at)
        self._blobs = [
            InternalBlobAssetInput(blob_id=state.stored(), metadata=assets[name].metadata)
            for name, state in states.items()
        ]
        self._inline = [inline_input(asset) for name, asset in assets.items() if name not in states]
        # The key covers the whole request: another request is another memory, not a conflict.
        content = repr((self.capsule, self._metadata, self._blobs, self._inline))
        self._key, self._added = keys.of(f"memory {content}"), keys.of(f"asset {content}")
        # Blobs that existed before may belong to a memory that existed before: then it must not be removed.
        self._ours = any(state.ours for state in states.values())
        self._asked = False

    async def make(self, backend: AsyncBackendCalls) -> None:
        """Create the memory, with one call where that is enough. Raises what the calls raise."""
        self._asked = True
        try:
            self.memory_id = await self._create(backend)
        except (BackendError, RejectError):
            self._asked = False  # refused: nothing was created
            raise
        if self._layout is MemoryLayout.INCREMENTAL:
            await self._add(backend, self.memory_id)

    async def _create(self, backend: AsyncBackendCalls) -> MemoryId:
        """Create the memory, or as much of it as one call takes; the same key again returns the same memory."""
        if self._layout is MemoryLayout.SINGLE_CALL:
            memory_id = await backend.memories_create_with_internal_blobs_and_inline_assets(
                self.capsule, self._metadata, self._blobs, self._inline, self._key
            )
            return MemoryId(memory_id)
        first = self._blobs[:1] if self._layout is MemoryLayout.INCREMENTAL else self._blobs
        return MemoryId(
            await backend.memories_create_with_internal_blobs(self.capsule, self._metadata, first, self._key)
        )

    async def _add(self, backend: AsyncBackendCalls, memory_id: MemoryId) -> None:
        for blob in self._blobs[1:]:
            await backend.memories_add_asset(memory_id, blob, f"{self._added}-{blob.blob_id}")
        for number, inline in enumerate(self._inline):
            key = f"{self._added}-inline{number or ''}"
            await backend.memories_add_inline_asset(memory_id, inline, key)

    async def read_back(self, backend: AsyncBackendCalls, compared: Compared) -> tuple[Asset, ...]:
        """Compare every asset with what was sent; raises `UploadError` at the first difference."""
        assert self.memory_id is not None, "bug: only a memory that was created is read back"
        memory = await backend.memories_read(self.memory_id)
        return await compare_assets(backend, [memory], self._sent, compared)

    @property
    def left(self) -> str:
        """What stays when `undo` fails; the blobs belong to it."""
        return f"memory {self.memory_id or 'whose id is not known'}"

    async def undo(self, backend: AsyncBackendCalls) -> bool:
        """Remove the memory with its blobs; returns whether that was possible. Raises what the calls raise.

        False means that nothing may be removed: memory and blobs may have existed before this upload.
        """
        if not self._asked:
            return True
        if not self._ours:
            return False
        if self.memory_id is None:
            try:
                self.memory_id = await self._create(backend)
            except (BackendError, RejectError):
                return True
        try:
            await backend.memories_delete(self.memory_id, True)
        except BackendError as error:
            if error.tag != "NotFound":
                raise
        return True


def inline_input(asset: AssetSpec) -> InlineAssetInput:
    """An asset in the form in which it is sent inline."""
    return InlineAssetInput(bytes=asset.content.read(0, asset.content.size), metadata=asset.metadata)


async def compare_assets(
    backend: AsyncBackendCalls,
    memories: Sequence[Memory],
    sent: Mapping[AssetName, AssetSpec],
    compared: Compared,
) -> tuple[Asset, ...]:
    """Compare the assets of memories with what was sent, metadata and bytes; returns them in order.

    Raises `UploadError` at the first difference.
    """
    stored = {
        name_of(found.asset_type, found.mime_type): (found, data)
        for memory in memories
        for found, data in contents(memory)
    }
    names = " and ".join(memory.id for memory in memories)
    if set(stored) != set(sent):
        raise UploadError(f"memory {names} has the assets {sorted(stored)}, sent were {sorted(sent)}")
    total = sum(asset.content.size for asset in sent.values())
    for name, asset in sent.items():
        found, data = stored[name]
        expected = asset_of(found.asset_id, asset.metadata, found.locator)
        if found != expected:
            raise UploadError(f"memory {names} has {found} for what was sent as {expected}")
        if data is None:
            await compare_blob(
                backend, BlobId(str(found.locator)), asset.content, lambda count: compared(count, total)
            )
        elif data != asset.content.read(0, asset.content.size):
            raise UploadError(f"the {name.lower()} of memory {names} reads back different")
        else:
            compared(len(data), total)
    return sorted_assets(found for found, _ in stored.values())


def contents(memory: Memory) -> Iterator[tuple[Asset, bytes | None]]:
    """The assets of a memory that are stored on the canister, with the bytes of inline ones."""
    for blob in memory.blob_internal_assets:
        yield asset_of(blob.asset_id, blob.metadata, blob.blob_ref.locator), None
    for inline in memory.inline_assets:
        yield asset_of(inline.asset_id, inline.metadata, None), bytes(inline.bytes)


def sorted_assets(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Sort the assets of a photo in the order of `ASSETS`."""
    order: Mapping[str, int] = {name: number for number, name in enumerate(ASSETS)}
    return tuple(sorted(assets, key=lambda asset: order[name_of(asset.asset_type, asset.mime_type)]))


def asset_of(asset_id: str, metadata: AssetMetadata, locator: str | None) -> Asset:
    """An asset as its metadata describes it."""
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
