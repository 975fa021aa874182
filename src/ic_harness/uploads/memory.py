"""The memory at the end of an upload: made from four assets, read back, and unmade when that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ic_harness.backend import AssetMetadata, InlineAssetInput, InternalBlobAssetInput, Memory
from ic_harness.errors import BackendError, RejectError, UploadError

from . import describe
from .material import Material
from .results import Asset
from .session import NO_SUCH_METHOD, Trace
from .source import PhotoSource
from .verify import compare_blob
from .worker import Derivatives

_INLINE: Final = "Placeholder"
_ORDER: Final = ("Original", "Display", "Thumbnail", "Placeholder", "Metadata")


class MemoryDraft:
    """One memory: `make` it, `read_back` it, or `undo` it."""

    def __init__(
        self, source: PhotoSource, keys: describe.Keys, derivatives: Derivatives, traces: Mapping[str, Trace]
    ) -> None:
        images = derivatives.images
        described = {name: describe.derivative(source, name, image) for name, image in images.items()}
        described["Original"] = describe.original(source, derivatives.facts)
        self.capsule = traces["Original"].capsule
        self.memory_id: str | None = None
        self._metadata = describe.memory(source, derivatives.facts, traces["Original"].uploaded_at)
        self._blobs = [
            InternalBlobAssetInput(blob_id=str(trace.blob_id), metadata=described[name])
            for name, trace in traces.items()
        ]
        self._inline = InlineAssetInput(bytes=images[_INLINE].material.data, metadata=described[_INLINE])
        self._sent: dict[str, tuple[Material, AssetMetadata]] = {
            name: (source if name == "Original" else images[name].material, metadata)
            for name, metadata in described.items()
        }
        # The whole request is in the key: a file that gives another request is another memory, not a conflict.
        content = repr((self._metadata, self._blobs, self._inline))
        self._key, self._inline_key = keys.of(f"memory {content}"), keys.of(f"placeholder {content}")
        # Blobs that were there before may belong to a memory that was there before: then it is not ours.
        self._ours = any(trace.ours for trace in traces.values())
        self._asked = False

    async def make(self, backend: Any) -> None:
        """Make the memory with one call, or with two on backends that cannot take inline assets along."""
        self._asked = True
        try:
            self.memory_id = await self._make(backend)
        except (BackendError, RejectError):
            self._asked = self.memory_id is not None  # refused: nothing was made, or all but the placeholder
            raise

    async def _make(self, backend: Any) -> str:
        whole = backend.memories_create_with_internal_blobs_and_inline_assets
        try:
            return str(await whole(self.capsule, self._metadata, self._blobs, [self._inline], self._key))
        except RejectError as error:
            if error.error_code != NO_SUCH_METHOD:
                raise
        self.memory_id = str(
            await backend.memories_create_with_internal_blobs(
                self.capsule, self._metadata, self._blobs, self._key
            )
        )
        await backend.memories_add_inline_asset(self.memory_id, self._inline, self._inline_key)
        return self.memory_id

    async def read_back(self, backend: Any, compared: Callable[[int, int], None]) -> Memory:
        """Compare every asset with what was sent; raises `UploadError` at the first difference.

        `compared` is told the bytes compared since the last time, and the bytes of all assets.
        """
        memory: Memory = await backend.memories_read(self.memory_id)
        stored = {asset.asset_type: asset for asset in assets_of(memory)}
        if set(stored) != set(self._sent):
            raise UploadError(
                f"memory {memory.id} has the assets {sorted(stored)}, not the four that were sent"
            )
        total = sum(material.size for material, _ in self._sent.values())
        for name, (material, metadata) in self._sent.items():
            found = stored[name]
            self._compare_facts(memory, found, metadata)
            if found.locator is not None:
                await compare_blob(backend, found.locator, material, lambda count: compared(count, total))
        if [asset.bytes for asset in memory.inline_assets] != [self._inline.bytes]:
            raise UploadError(f"the placeholder of memory {memory.id} reads back different")
        compared(len(self._inline.bytes), total)
        return memory

    def _compare_facts(self, memory: Memory, found: Asset, sent: AssetMetadata) -> None:
        expected = asset_of(found.asset_id, sent, found.locator)
        if found != expected:
            raise UploadError(f"memory {memory.id} says {found} of what was sent as {expected}")

    async def undo(self, backend: Any) -> bool:
        """Take the memory away with its blobs; tells whether that could be done. Raises what the backend raises.

        False means that nothing may be taken away: memory and blobs may have been there before this upload.
        """
        if not self._asked:
            return True
        if not self._ours:
            return False
        if self.memory_id is None:
            try:
                self.memory_id = await self._make(backend)  # the same key: the same memory, if there is one
            except (BackendError, RejectError):
                if self.memory_id is None:
                    return True
        try:
            await backend.memories_delete(self.memory_id, delete_assets=True)
        except BackendError as error:
            if error.tag != "NotFound":
                raise
        return True


def assets_of(memory: Memory) -> tuple[Asset, ...]:
    """The assets of a memory, in the order Original, Display, Thumbnail, Placeholder."""
    found = [
        *(
            asset_of(blob.asset_id, blob.metadata, blob.blob_ref.locator)
            for blob in memory.blob_internal_assets
        ),
        *(asset_of(inline.asset_id, inline.metadata, None) for inline in memory.inline_assets),
    ]
    return tuple(sorted(found, key=lambda asset: _ORDER.index(asset.asset_type)))


def asset_of(asset_id: str, metadata: AssetMetadata, locator: str | None) -> Asset:
    """An asset with what its metadata says of it."""
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
