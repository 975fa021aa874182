"""Files as they are stored in one go: four assets at once, and everything on backends of older generations.

Those generations cannot add assets to a memory, or not repeat a call, so a photo is uploaded there as `upload` does:
all assets, one memory (or one each), read back, and undone when anything fails.
"""

from __future__ import annotations

from ic_capsule.assets import ORIGINAL, PREVIEW
from ic_capsule.uploads import BlobUpload, FileSource, PhotoUpload, ShieldedClient, store_original

from .governed import Errand, errand
from .lanes import Lanes
from .ledger import Ledger
from .records import Lease
from .states import Stage
from .target import Target


class WholeLanes(Lanes):
    """The stage `upload` with everything in it; nothing is left for `process`."""

    def __init__(self, ledger: Ledger, target: Target) -> None:
        super().__init__(ledger, target)
        self._shielded = ShieldedClient(self._backend, retry_allowed=target.strategy.repeatable)

    async def upload(self, lease: Lease, work: Errand) -> None:
        """Store a file with all its assets, and make its memory. Raises what went wrong."""
        with self.open(lease.file) as source, errand(work):
            work.part = ORIGINAL
            self._ledger.begin_part(
                lease.file.id,
                ORIGINAL,
                size=source.size,
                sha256=source.sha256,
                idem=self._target.key("whole", source.sha256),
            )
            if source.kind.name == "image":
                memory_id = await self._photo(source)
            elif self._target.strategy.repeatable:
                await super().upload(lease, work)
                return
            else:
                memory_id = await self._original(lease, source)
        with self._ledger.transaction():
            self._ledger.set_memory(lease.file.id, memory_id)
            self._ledger.done(lease.file.id, Stage.UPLOAD, memory=memory_id)
            if source.kind.name == "image":
                self._ledger.done(lease.file.id, Stage.PROCESS)

    async def _photo(self, source: FileSource) -> str:
        async with self._target.governor.sessions(3):
            upload = PhotoUpload(self._shielded, source, lambda _step: None)
            draft, _ = await upload.run(self._target.capsule)
        assert upload.derivatives is not None, "bug: an upload that is done has derivatives"
        thumbnail = upload.derivatives.images[PREVIEW.name]
        self._ledger.set_preview(source.sha256, thumbnail.width, thumbnail.height, thumbnail.content.data)
        return str(draft.memory_id)

    async def _original(self, lease: Lease, source: FileSource) -> str:
        """Store a file that is no image on a backend that promises little."""
        target = self._target
        facts = await self.facts(lease.file, source)
        state = BlobUpload(
            capsule=target.capsule,
            idem=target.key(ORIGINAL, source.sha256),
            content=source,
            chunk_size=target.config.chunk_size,
        )
        async with target.governor.sessions(1):
            memory_id = await store_original(
                self._shielded, target.strategy, source, state, facts, lambda _count: None
            )
        self._ledger.part_stored(lease.file.id, ORIGINAL, state.blob_id, state.uploaded_at)
        return memory_id
