"""A photo on generations A and B: a memory for each asset, since no call there puts two into one.

Finish creates the memories of the blobs, before anything here is called. Inline assets get a memory each here. The
memory of the original identifies the photo; only the uploader's result says which memories belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ic_capsule.assets import AssetName
from ic_capsule.backend import InlineAssetInput
from ic_harness.errors import BackendError, RejectError

from .calls import AsyncBackendCalls, CapsuleId, MemoryId
from .memory import AssetSpec, Compared, compare_assets, inline_input
from .metadata import IdempotencyKeys
from .results import Asset
from .upload_state import BlobUpload


class _InlineMemory:
    """The memory of one inline asset; the same `key` again returns the same memory."""

    def __init__(self, key: str, inline: InlineAssetInput) -> None:
        self.memory_id: MemoryId | None = None
        self.asked = False
        self._key = key
        self._inline = inline

    async def make(self, backend: AsyncBackendCalls, capsule: CapsuleId) -> None:
        self.asked = True
        try:
            self.memory_id = await self._create(backend, capsule)
        except (BackendError, RejectError):
            self.asked = False  # refused: nothing was created
            raise

    async def _create(self, backend: AsyncBackendCalls, capsule: CapsuleId) -> MemoryId:
        inline = self._inline
        memory_id = await backend.memories_create(
            capsule, bytes(inline.bytes), None, None, None, None, None, None, inline.metadata, self._key
        )
        return MemoryId(memory_id)

    async def undo(self, backend: AsyncBackendCalls, capsule: CapsuleId) -> None:
        if not self.asked:
            return
        if self.memory_id is None:
            try:
                self.memory_id = await self._create(backend, capsule)  # the same key: the same memory
            except (BackendError, RejectError):
                self.asked = False
                return
        try:
            await backend.memories_delete(self.memory_id, False)
        except BackendError as error:
            if error.tag != "NotFound":
                raise
        self.asked = False


class PerAssetMemories:
    """Memories of one asset each: `make` the missing ones, `read_back` all, `undo` what was created here."""

    keeps_blobs: Final = False
    """Whether a memory that could not be removed refers to the blobs, so that they must stay."""

    def __init__(
        self,
        keys: IdempotencyKeys,
        assets: Mapping[AssetName, AssetSpec],
        states: Mapping[AssetName, BlobUpload],
    ) -> None:
        self.capsule = states["Original"].capsule
        self.memory_id: MemoryId | None = states["Original"].memory_id
        self._sent = assets
        self._blobs = [state.memory_id for state in states.values()]
        inputs = {name: inline_input(asset) for name, asset in assets.items() if name not in states}
        self._inline = [
            _InlineMemory(keys.of(f"{name.lower()} {inline!r} {self.memory_id}"), inline)
            for name, inline in inputs.items()
        ]

    @property
    def left(self) -> str:
        """What stays when `undo` fails: memories of inline assets; a blob's state names the memory of the blob."""
        ids = [inline.memory_id or "whose id is not known" for inline in self._inline if inline.asked]
        return " and ".join(f"memory {memory_id}" for memory_id in ids)

    def _ids(self) -> list[MemoryId]:
        ids = [*self._blobs, *(inline.memory_id for inline in self._inline)]
        return [memory_id for memory_id in ids if memory_id]

    @property
    def other_memories(self) -> tuple[str, ...]:
        """The memories of the other assets."""
        return tuple(memory_id for memory_id in self._ids() if memory_id != self.memory_id)

    async def make(self, backend: AsyncBackendCalls) -> None:
        """Create the memories of the inline assets. Raises what the calls raise."""
        for inline in self._inline:
            await inline.make(backend, self.capsule)

    async def read_back(self, backend: AsyncBackendCalls, compared: Compared) -> tuple[Asset, ...]:
        """Compare every asset with what was sent; raises `UploadError` at the first difference."""
        memories = [await backend.memories_read(memory_id) for memory_id in self._ids()]
        return await compare_assets(backend, memories, self._sent, compared)

    async def undo(self, backend: AsyncBackendCalls) -> bool:
        """Remove the memories of the inline assets; those of the blobs are removed with their states."""
        for inline in self._inline:
            await inline.undo(backend, self.capsule)
        return True
