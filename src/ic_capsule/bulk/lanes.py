"""What is done with one file in a stage, on a backend that keeps the reference's promises.

    upload    the original as a blob (or inline, when it is small), and a memory that has it: the file is safe
    process   display, thumbnail and placeholder, added to that memory

Every step may be made again: sessions, blobs, memories and assets have keys that follow from the content, and what a
request says of a file is in the ledger before it is sent. So a step that was interrupted anywhere is repeated and
gives what it gave the first time. Backends of older generations are served by `older`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from ic_capsule.assets import BLOBS, INLINE, ORIGINAL, PREVIEW
from ic_capsule.backend import AssetMetadata, InlineAssetInput, InternalBlobAssetInput
from ic_capsule.uploads import (
    BlobUpload,
    ByteSource,
    FileSource,
    PhotoInfo,
    derivative_metadata,
    derive,
    inspect,
    memory_metadata,
    original_metadata,
    resumable,
)
from ic_harness.errors import BackendError, ImageError, InputError

from .classify import ChangedError
from .governed import Errand, errand
from .ledger import Ledger
from .records import FileRow, Lease
from .scan import look_again
from .states import Stage
from .target import Target

_SAID_OF_MEMORIES: Final = ("title", "taken_at", "location", "tags")
"""Facts that a memory made from inline bytes has no room for."""


class Lanes:
    """The work of the stages `upload` and `process`."""

    def __init__(self, ledger: Ledger, target: Target) -> None:
        self._ledger = ledger
        self._target = target
        self._backend = target.backend
        self._inline_full = False

    def open(self, file: FileRow) -> FileSource:
        """Open a file as it was added, or another one with the same bytes where that is gone.

        Raises `ChangedError` when there is none by now.
        """
        if file.sha256 is None:
            file = look_again(self._ledger, file)
        twins = [twin for twin in self._ledger.by_content(file.sha256 or b"") if twin.duplicate_of == file.id]
        try:
            return _open(file)
        except ChangedError as error:
            for twin in twins:
                with suppress(ChangedError):
                    return _open(twin)
            raise error from None

    # -- upload ---------------------------------------------------------------------------------------------

    async def upload(self, lease: Lease, work: Errand) -> None:
        """Store the original, and make a memory of it. Raises what went wrong."""
        with self.open(lease.file) as source, errand(work):
            file = self._ledger.file(lease.file.id)
            facts = await self.facts(file, source)
            metadata = original_metadata(source, facts)
            memory_id = None
            if self._fits_inline(source.size, facts):
                memory_id = await self._upload_inline(file, source, metadata)
            if memory_id is None:
                memory_id = await self._upload_blob(file, source, facts, metadata, work)
            source.check_unchanged()
        with self._ledger.transaction():
            self._ledger.set_memory(file.id, memory_id)
            self._ledger.done(file.id, Stage.UPLOAD, memory=memory_id)

    async def facts(self, file: FileRow, source: FileSource) -> Mapping[str, Any]:
        """What is known of a file's content; asked once, so that a repeated request says the same."""
        if file.facts is not None:
            return file.facts
        facts: dict[str, Any] = {"mime_type": file.mime, "tags": []}
        if source.kind.name == "image":
            try:
                facts = dict(await inspect(source))
            except ImageError:
                facts["damaged"] = True  # the original is kept all the same; `process` will say what is wrong
        facts["tags"] = list(dict.fromkeys([*facts.get("tags", []), *file.tags]))
        self._ledger.set_facts(file.id, facts)
        return facts

    def _fits_inline(self, size: int, facts: Mapping[str, Any]) -> bool:
        """Whether one call can make the memory, with nothing left out that is known of it."""
        fits = size <= self._target.config.inline_max and not self._inline_full
        return fits and not any(facts.get(name) for name in _SAID_OF_MEMORIES)

    async def _upload_inline(self, file: FileRow, source: FileSource, metadata: AssetMetadata) -> str | None:
        """Make a memory that holds the bytes itself; None when the capsule has no more room for such."""
        data = source.read(0, source.size)
        key = self._target.key("inline original", source.sha256)
        with self._ledger.transaction():
            self._ledger.first_byte(file.id)
            self._ledger.begin_part(file.id, ORIGINAL, size=source.size, sha256=source.sha256, idem=key)
            self._ledger.part_sent(file.id, ORIGINAL, source.size)
        try:
            memory_id = await self._backend.memories_create(
                self._target.capsule,
                data,
                None,
                None,
                None,
                None,
                None,
                None,
                metadata,
                self._memory_key(source, {}),
            )
        except BackendError as error:
            if error.tag != "ResourceExhausted":
                raise
            self._inline_full = True
            return None
        self._ledger.part_stored(file.id, ORIGINAL, None)
        return str(memory_id)

    async def _upload_blob(
        self,
        file: FileRow,
        source: FileSource,
        facts: Mapping[str, Any],
        metadata: AssetMetadata,
        work: Errand,
    ) -> str:
        async with self._target.governor.sessions(1):
            work.part = ORIGINAL
            state = await self.store(file, ORIGINAL, source)
        about = memory_metadata(PhotoInfo(source, facts), state.uploaded_at)
        blob = InternalBlobAssetInput(blob_id=str(state.blob_id), metadata=metadata)
        create = self._backend.memories_create_with_internal_blobs
        return str(await create(self._target.capsule, about, [blob], self._memory_key(source, facts)))

    def _memory_key(self, source: FileSource, facts: Mapping[str, Any]) -> str:
        # All that the request says: another request is another memory, not a conflict.
        said = repr((source.name, source.modified_ns, sorted(facts.items(), key=str)))
        return self._target.key(f"memory {said}", source.sha256)

    async def store(self, file: FileRow, kind: str, content: ByteSource) -> BlobUpload:
        """Store bytes as a blob: the chunks that the backend does not have yet."""
        # Derivatives are kept apart by their original: photos that look the same would share one blob, and a blob may
        # belong to 256 memories only.
        what = kind if kind == ORIGINAL else f"{kind} of {(file.sha256 or b'').hex()}"
        key = self._target.key(what, content.sha256)
        self._ledger.begin_part(file.id, kind, size=content.size, sha256=content.sha256, idem=key)
        part = self._ledger.parts(file.id)[kind]
        state = BlobUpload(
            capsule=self._target.capsule,
            idem=key,
            content=content,
            chunk_size=self._target.config.chunk_size,
        )
        fresh = self._target.fresh and part.state == "new"
        await resumable.upload(self._backend, state, [], lambda _count: None, fresh=fresh)
        self._ledger.part_stored(file.id, kind, str(state.blob_id), state.uploaded_at)
        return state

    # -- process --------------------------------------------------------------------------------------------

    async def process(self, lease: Lease, work: Errand) -> None:
        """Make the derivatives and add them to the memory. Raises what went wrong."""
        file = lease.file
        if file.memory_id is None:
            raise InputError(f"{file.name} has no memory yet: retry its upload")
        with self.open(file) as source, errand(work):
            made = await derive(source)
            described: dict[str, tuple[ByteSource, AssetMetadata]] = {
                name: (image.content, derivative_metadata(source, name, image))
                for name, image in made.images.items()
            }
            thumbnail = made.images[PREVIEW.name]
            self._ledger.set_preview(source.sha256, thumbnail.width, thumbnail.height, thumbnail.content.data)
            async with self._target.governor.sessions(len(BLOBS)):
                states = await _together(
                    self._store_for(file, name, described[name][0], work) for name in BLOBS
                )
            await self._add(file.memory_id, described, dict(zip(BLOBS, states, strict=True)))
        self._ledger.done(file.id, Stage.PROCESS)

    async def _store_for(self, file: FileRow, kind: str, content: ByteSource, work: Errand) -> BlobUpload:
        with errand(Errand(work.file, work.stage, kind, rank=work.rank)):
            return await self.store(file, kind, content)

    async def _add(
        self,
        memory: str,
        described: Mapping[str, tuple[ByteSource, AssetMetadata]],
        states: Mapping[str, BlobUpload],
    ) -> None:
        def key(name: str) -> str:
            return self._target.key(f"asset {name} of {memory}", described[name][0].sha256)

        blobs = [
            self._backend.memories_add_asset(
                memory,
                InternalBlobAssetInput(blob_id=str(state.blob_id), metadata=described[name][1]),
                key(name),
            )
            for name, state in states.items()
        ]
        inline = [
            self._backend.memories_add_inline_asset(memory, _inline(*described[name]), key(name))
            for name in INLINE
        ]
        await _together([*blobs, *inline])


def _open(file: FileRow) -> FileSource:
    try:
        source = FileSource(os.fsdecode(file.path), sha256=file.sha256)
    except ImageError as error:
        raise ChangedError(str(error)) from error
    if (source.size, source.modified_ns) != (file.size, file.mtime_ns):
        source.close()
        raise ChangedError(f"{source.path} was changed after it was added: add it again")
    return source


def _inline(content: ByteSource, metadata: AssetMetadata) -> InlineAssetInput:
    return InlineAssetInput(bytes=content.read(0, content.size), metadata=metadata)


async def _together(calls: Any) -> list[Any]:
    """Make calls at once; the first failure cancels the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]
