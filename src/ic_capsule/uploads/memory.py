"""The memory at the end of an upload: made from four assets, read back, and unmade when that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ic_capsule.backend import AssetMetadata, InlineAssetInput, InternalBlobAssetInput, Memory
from ic_harness.errors import BackendError, RejectError, UploadError

from . import describe
from .material import Material
from .results import Asset
from .session import Trace
from .strategy import Shape
from .verify import compare_blob

_ORDER: Final = ("Original", "Display", "Thumbnail", "Placeholder", "Metadata")
Compared = Callable[[int, int], None]
"""Told the bytes compared since the last time, and the bytes of all assets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One asset that was sent, and what is said of it."""

    material: Material
    metadata: AssetMetadata


class MemoryDraft:
    """One memory of all assets: `make` it, `read_back` it, or `undo` it."""

    other_memories: Final[tuple[str, ...]] = ()
    keeps_blobs: Final = True
    """Whether a memory that could not be undone refers to the blobs, so that they must stay."""

    def __init__(
        self,
        keys: describe.Keys,
        about: describe.About,
        assets: Mapping[str, Described],
        traces: Mapping[str, Trace],
        shape: Shape,
    ) -> None:
        self.capsule = traces["Original"].capsule
        self.memory_id: str | None = None
        self._shape = shape
        self._sent = assets
        self._metadata = describe.memory(about, traces["Original"].uploaded_at)
        self._blobs = [
            InternalBlobAssetInput(blob_id=str(trace.blob_id), metadata=assets[name].metadata)
            for name, trace in traces.items()
        ]
        self._inline = [inline_input(asset) for name, asset in assets.items() if name not in traces]
        # The whole request is in the key: a file that gives another request is another memory, not a conflict.
        content = repr((self.capsule, self._metadata, self._blobs, self._inline))
        self._key, self._added = keys.of(f"memory {content}"), keys.of(f"asset {content}")
        # Blobs that were there before may belong to a memory that was there before: then it is not ours.
        self._ours = any(trace.ours for trace in traces.values())
        self._asked = False

    async def make(self, backend: Any) -> None:
        """Make the memory, with one call where that is enough."""
        self._asked = True
        try:
            self.memory_id = await self._create(backend)
        except (BackendError, RejectError):
            self._asked = False  # refused: nothing was made
            raise
        if self._shape is Shape.IN_STEPS:
            await self._add(backend, self.memory_id)

    async def _create(self, backend: Any) -> str:
        """Create the memory, or as much of it as one call takes; the same key again gives the same memory."""
        if self._shape is Shape.WHOLE:
            whole = backend.memories_create_with_internal_blobs_and_inline_assets
            return str(await whole(self.capsule, self._metadata, self._blobs, self._inline, self._key))
        first = self._blobs[:1] if self._shape is Shape.IN_STEPS else self._blobs
        create = backend.memories_create_with_internal_blobs
        return str(await create(self.capsule, self._metadata, first, self._key))

    async def _add(self, backend: Any, memory_id: str) -> None:
        for blob in self._blobs[1:]:
            await backend.memories_add_asset(memory_id, blob, f"{self._added}-{blob.blob_id}")
        for inline in self._inline:
            await backend.memories_add_inline_asset(memory_id, inline, f"{self._added}-inline")

    async def read_back(self, backend: Any, compared: Compared) -> tuple[Asset, ...]:
        """Compare every asset with what was sent; raises `UploadError` at the first difference."""
        memory: Memory = await backend.memories_read(self.memory_id)
        return await compare_assets(backend, [memory], self._sent, compared)

    @property
    def left(self) -> str:
        """What stays when `undo` fails; the blobs belong to it."""
        return f"memory {self.memory_id or 'whose id is not known'}"

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
                self.memory_id = await self._create(backend)
            except (BackendError, RejectError):
                return True
        try:
            await backend.memories_delete(self.memory_id, delete_assets=True)
        except BackendError as error:
            if error.tag != "NotFound":
                raise
        return True


def inline_input(asset: Described) -> InlineAssetInput:
    """An asset as it travels inline."""
    return InlineAssetInput(bytes=asset.material.read(0, asset.material.size), metadata=asset.metadata)


async def compare_assets(
    backend: Any, memories: Sequence[Memory], sent: Mapping[str, Described], compared: Compared
) -> tuple[Asset, ...]:
    """Compare the assets of memories with what was sent, facts and bytes; gives them in order.

    Raises `UploadError` at the first difference.
    """
    stored = {found.asset_type: (found, data) for memory in memories for found, data in contents(memory)}
    names = " and ".join(memory.id for memory in memories)
    if set(stored) != set(sent):
        raise UploadError(f"memory {names} has the assets {sorted(stored)}, not the four that were sent")
    total = sum(asset.material.size for asset in sent.values())
    for name, asset in sent.items():
        found, data = stored[name]
        expected = asset_of(found.asset_id, asset.metadata, found.locator)
        if found != expected:
            raise UploadError(f"memory {names} says {found} of what was sent as {expected}")
        if data is None:
            await compare_blob(
                backend, str(found.locator), asset.material, lambda count: compared(count, total)
            )
        elif data != asset.material.read(0, asset.material.size):
            raise UploadError(f"the {name.lower()} of memory {names} reads back different")
        else:
            compared(len(data), total)
    return sorted_assets(found for found, _ in stored.values())


def contents(memory: Memory) -> Iterator[tuple[Asset, bytes | None]]:
    """The assets that a memory holds on the canister, with the bytes of inline ones."""
    for blob in memory.blob_internal_assets:
        yield asset_of(blob.asset_id, blob.metadata, blob.blob_ref.locator), None
    for inline in memory.inline_assets:
        yield asset_of(inline.asset_id, inline.metadata, None), bytes(inline.bytes)


def sorted_assets(assets: Iterator[Asset]) -> tuple[Asset, ...]:
    """Sort assets as Original, Display, Thumbnail, Placeholder."""
    return tuple(sorted(assets, key=lambda asset: _ORDER.index(asset.asset_type)))


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
