# ruff: noqa: D102 - the methods are documented in the generated `AsyncBackend`
"""A synchronous client as an asynchronous one: each call runs in a thread, several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from ic_capsule.backend import (
    AssetMetadata,
    BlobHosting,
    BlobMeta,
    BlobRef,
    Capsule,
    InlineAssetInput,
    InternalBlobAssetInput,
    Memory,
    MemoryMetadata,
    Page,
    PersonRef,
    Profile,
    UploadConfig,
    UploadFinishResult,
    UploadStatus,
)
from ic_harness.principal import Principal

from .calls import BackendCalls

P = ParamSpec("P")
T = TypeVar("T")


class ThreadedClient:
    """An `AsyncBackendCalls` on top of a `BackendCalls`."""

    def __init__(self, backend: BackendCalls) -> None:
        self._backend = backend

    @property
    def canister_id(self) -> Principal:
        """The canister that is called."""
        return self._backend.canister_id

    async def detect_generation(self) -> Profile:
        return await self._call(self._backend.detect_generation)

    async def upload_config(self) -> UploadConfig:
        return await self._call(self._backend.upload_config)

    async def capsules_create(self, subject: PersonRef | None, /) -> Capsule:
        return await self._call(self._backend.capsules_create, subject)

    async def begin_upload(
        self, capsule: str, chunks: int, idem: str, metadata: AssetMetadata | None, /
    ) -> int:
        return await self._call(self._backend.begin_upload, capsule, chunks, idem, metadata)

    async def uploads_begin(self, capsule: str, chunks: int, idem: str, /) -> int:
        return await self._call(self._backend.uploads_begin, capsule, chunks, idem)

    async def uploads_status(self, session: int, /) -> UploadStatus:
        return await self._call(self._backend.uploads_status, session)

    async def uploads_put_chunk(self, session: int, index: int, data: bytes, /) -> None:
        await self._call(self._backend.uploads_put_chunk, session, index, data)

    async def uploads_finish(self, session: int, sha256: bytes, size: int, /) -> UploadFinishResult:
        return await self._call(self._backend.uploads_finish, session, sha256, size)

    async def uploads_abort(self, session: int, /) -> None:
        await self._call(self._backend.uploads_abort, session)

    async def blob_get_meta(self, locator: str, /) -> BlobMeta:
        return await self._call(self._backend.blob_get_meta, locator)

    async def blob_read_chunk(self, locator: str, index: int, /) -> bytes:
        return await self._call(self._backend.blob_read_chunk, locator, index)

    async def blob_delete(self, locator: str, /) -> str:
        return await self._call(self._backend.blob_delete, locator)

    async def memories_create(
        self,
        capsule: str,
        data: bytes | None,
        blob: BlobRef | None,
        location: BlobHosting | None,
        storage_key: str | None,
        url: str | None,
        size: int | None,
        sha256: bytes | None,
        metadata: AssetMetadata,
        idem: str,
        /,
    ) -> str:
        return await self._call(
            self._backend.memories_create,
            capsule,
            data,
            blob,
            location,
            storage_key,
            url,
            size,
            sha256,
            metadata,
            idem,
        )

    async def memories_create_with_internal_blobs(
        self, capsule: str, metadata: MemoryMetadata, blobs: Sequence[InternalBlobAssetInput], idem: str, /
    ) -> str:
        return await self._call(
            self._backend.memories_create_with_internal_blobs, capsule, metadata, blobs, idem
        )

    async def memories_create_with_internal_blobs_and_inline_assets(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        inline: Sequence[InlineAssetInput],
        idem: str,
        /,
    ) -> str:
        return await self._call(
            self._backend.memories_create_with_internal_blobs_and_inline_assets,
            capsule,
            metadata,
            blobs,
            inline,
            idem,
        )

    async def memories_add_asset(self, memory: str, asset: InternalBlobAssetInput, idem: str, /) -> str:
        return await self._call(self._backend.memories_add_asset, memory, asset, idem)

    async def memories_add_inline_asset(self, memory: str, asset: InlineAssetInput, idem: str, /) -> str:
        return await self._call(self._backend.memories_add_inline_asset, memory, asset, idem)

    async def memories_read(self, memory: str, /) -> Memory:
        return await self._call(self._backend.memories_read, memory)

    async def memories_list(self, capsule: str, cursor: str | None, limit: int | None, /) -> Page:
        return await self._call(self._backend.memories_list, capsule, cursor, limit)

    async def memories_delete(self, memory: str, delete_assets: bool, /) -> None:  # noqa: FBT001 - as in Candid
        await self._call(self._backend.memories_delete, memory, delete_assets)

    async def _call(self, method: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.to_thread(method, *args, **named)
