"""A photo on generations A and B: four memories of one asset each, since no call there puts two into one.

The blobs' memories are made by finish, before anything here is asked. The placeholder is made inline. The photo goes by
the memory of its original; what belongs together is told by the uploader alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_harness.errors import BackendError, RejectError

from . import describe
from .memory import Compared, Described, compare_assets, inline_input
from .results import Asset
from .session import Trace


class SeparateMemories:
    """Memories of one asset each: `make` those that are missing, `read_back` all, `undo` what was made here."""

    keeps_blobs: Final = False
    """Whether a memory that could not be undone refers to the blobs, so that they must stay."""

    def __init__(
        self, keys: describe.Keys, assets: Mapping[str, Described], traces: Mapping[str, Trace]
    ) -> None:
        self.capsule = traces["Original"].capsule
        self.memory_id: str | None = traces["Original"].memory_id
        self._sent = assets
        self._blobs = [trace.memory_id for trace in traces.values()]
        (self._inline,) = (inline_input(asset) for name, asset in assets.items() if name not in traces)
        self._key = keys.of(f"placeholder {self._inline!r} {self.memory_id}")
        self._placeholder: str | None = None
        self._asked = False

    @property
    def left(self) -> str:
        """What stays when `undo` fails: the memory of the placeholder; those of the blobs are their traces' affair."""
        return f"memory {self._placeholder or 'whose id is not known'}"

    @property
    def other_memories(self) -> tuple[str, ...]:
        """The memories of the other assets."""
        ids = [*self._blobs, self._placeholder]
        return tuple(memory_id for memory_id in ids if memory_id and memory_id != self.memory_id)

    async def make(self, backend: Any) -> None:
        """Make the memory of the placeholder."""
        self._asked = True
        try:
            self._placeholder = await self._create(backend)
        except (BackendError, RejectError):
            self._asked = False  # refused: nothing was made
            raise

    async def _create(self, backend: Any) -> str:
        none = [None] * 6
        inline = self._inline
        return str(
            await backend.memories_create(self.capsule, inline.bytes, *none, inline.metadata, self._key)
        )

    async def read_back(self, backend: Any, compared: Compared) -> tuple[Asset, ...]:
        """Compare every asset with what was sent; raises `UploadError` at the first difference."""
        ids = [*self._blobs, self._placeholder]
        memories = [await backend.memories_read(memory_id) for memory_id in ids]
        return await compare_assets(backend, memories, self._sent, compared)

    async def undo(self, backend: Any) -> bool:
        """Take the placeholder's memory away; those of the blobs go with their traces."""
        if not self._asked:
            return True
        if self._placeholder is None:
            try:
                self._placeholder = await self._create(backend)  # the same key: the same memory
            except (BackendError, RejectError):
                return True
        try:
            await backend.memories_delete(self._placeholder, delete_assets=False)
        except BackendError as error:
            if error.tag != "NotFound":
                raise
        return True
