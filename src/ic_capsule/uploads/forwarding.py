# ruff: noqa: D102 - the methods are documented in the generated `Backend` and `AsyncBackend`
"""Bases of clients that wrap another client: every call is forwarded, typed, through one method.

A subclass implements `_call`, which makes the call that it receives: with a retry, a record or a limit around it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeVar

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

from .calls import AsyncBackendCalls, BackendCalls

P = ParamSpec("P")
T = TypeVar("T")


class ForwardingClient(ABC):
    """A `BackendCalls` that forwards every call to another one through `_call`."""

    def __init__(self, backend: BackendCalls) -> None:
        self._backend = backend

    @abstractmethod
    def _call(self, name: str, method: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        """Make the call `method(*args)`; `name` is the method's name."""

    @property
    def canister_id(self) -> Principal:
        """The canister that is called."""
        return self._backend.canister_id

    def detect_generation(self) -> Profile:
        return self._call("detect_generation", self._backend.detect_generation)

    def upload_config(self) -> UploadConfig:
        return self._call("upload_config", self._backend.upload_config)

    def capsules_create(self, subject: PersonRef | None, /) -> Capsule:
        return self._call("capsules_create", self._backend.capsules_create, subject)

    def begin_upload(self, capsule: str, chunks: int, idem: str, metadata: AssetMetadata | None, /) -> int:
        return self._call("begin_upload", self._backend.begin_upload, capsule, chunks, idem, metadata)

    def uploads_begin(self, capsule: str, chunks: int, idem: str, /) -> int:
        return self._call("uploads_begin", self._backend.uploads_begin, capsule, chunks, idem)

    def uploads_status(self, session: int, /) -> UploadStatus:
        return self._call("uploads_status", self._backend.uploads_status, session)

    def uploads_put_chunk(self, session: int, index: int, data: bytes, /) -> None:
        self._call("uploads_put_chunk", self._backend.uploads_put_chunk, session, index, data)

    def uploads_finish(self, session: int, sha256: bytes, size: int, /) -> UploadFinishResult:
        return self._call("uploads_finish", self._backend.uploads_finish, session, sha256, size)

    def uploads_abort(self, session: int, /) -> None:
        self._call("uploads_abort", self._backend.uploads_abort, session)

    def blob_get_meta(self, locator: str, /) -> BlobMeta:
        return self._call("blob_get_meta", self._backend.blob_get_meta, locator)

    def blob_read_chunk(self, locator: str, index: int, /) -> bytes:
        return self._call("blob_read_chunk", self._backend.blob_read_chunk, locator, index)

    def blob_delete(self, locator: str, /) -> str:
        return self._call("blob_delete", self._backend.blob_delete, locator)

    def memories_create(
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
        return self._call(
            "memories_create",
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

    def memories_create_with_internal_blobs(
        self, capsule: str, metadata: MemoryMetadata, blobs: Sequence[InternalBlobAssetInput], idem: str, /
    ) -> str:
        return self._call(
            "memories_create_with_internal_blobs",
            self._backend.memories_create_with_internal_blobs,
            capsule,
            metadata,
            blobs,
            idem,
        )

    def memories_create_with_internal_blobs_and_inline_assets(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        inline: Sequence[InlineAssetInput],
        idem: str,
        /,
    ) -> str:
        return self._call(
            "memories_create_with_internal_blobs_and_inline_assets",
            self._backend.memories_create_with_internal_blobs_and_inline_assets,
            capsule,
            metadata,
            blobs,
            inline,
            idem,
        )

    def memories_add_asset(self, memory: str, asset: InternalBlobAssetInput, idem: str, /) -> str:
        return self._call("memories_add_asset", self._backend.memories_add_asset, memory, asset, idem)

    def memories_add_inline_asset(self, memory: str, asset: InlineAssetInput, idem: str, /) -> str:
        return self._call(
            "memories_add_inline_asset", self._backend.memories_add_inline_asset, memory, asset, idem
        )

    def memories_read(self, memory: str, /) -> Memory:
        return self._call("memories_read", self._backend.memories_read, memory)

    def memories_list(self, capsule: str, cursor: str | None, limit: int | None, /) -> Page:
        return self._call("memories_list", self._backend.memories_list, capsule, cursor, limit)

    def memories_delete(self, memory: str, delete_assets: bool, /) -> None:  # noqa: FBT001 - as in Candid
        self._call("memories_delete", self._backend.memories_delete, memory, delete_assets)


class AsyncForwardingClient(ABC):
    """An `AsyncBackendCalls` that forwards every call to another one through `_call`."""

    def __init__(self, backend: AsyncBackendCalls) -> None:
        self._backend = backend

    @abstractmethod
    async def _call(
        self, name: str, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **named: P.kwargs
    ) -> T:
        """Make the call `method(*args)`; `name` is the method's name."""

    @property
    def canister_id(self) -> Principal:
        """The canister that is called."""
        return self._backend.canister_id

    async def detect_generation(self) -> Profile:
        return await self._call("detect_generation", self._backend.detect_generation)

    async def upload_config(self) -> UploadConfig:
        return await self._call("upload_config", self._backend.upload_config)

    async def capsules_create(self, subject: PersonRef | None, /) -> Capsule:
        return await self._call("capsules_create", self._backend.capsules_create, subject)

    async def begin_upload(
        self, capsule: str, chunks: int, idem: str, metadata: AssetMetadata | None, /
    ) -> int:
        return await self._call("begin_upload", self._backend.begin_upload, capsule, chunks, idem, metadata)

    async def uploads_begin(self, capsule: str, chunks: int, idem: str, /) -> int:
        return await self._call("uploads_begin", self._backend.uploads_begin, capsule, chunks, idem)

    async def uploads_status(self, session: int, /) -> UploadStatus:
        return await self._call("uploads_status", self._backend.uploads_status, session)

    async def uploads_put_chunk(self, session: int, index: int, data: bytes, /) -> None:
        await self._call("uploads_put_chunk", self._backend.uploads_put_chunk, session, index, data)

    async def uploads_finish(self, session: int, sha256: bytes, size: int, /) -> UploadFinishResult:
        return await self._call("uploads_finish", self._backend.uploads_finish, session, sha256, size)

    async def uploads_abort(self, session: int, /) -> None:
        await self._call("uploads_abort", self._backend.uploads_abort, session)

    async def blob_get_meta(self, locator: str, /) -> BlobMeta:
        return await self._call("blob_get_meta", self._backend.blob_get_meta, locator)

    async def blob_read_chunk(self, locator: str, index: int, /) -> bytes:
        return await self._call("blob_read_chunk", self._backend.blob_read_chunk, locator, index)

    async def blob_delete(self, locator: str, /) -> str:
        return await self._call("blob_delete", self._backend.blob_delete, locator)

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
            "memories_create",
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
            "memories_create_with_internal_blobs",
            self._backend.memories_create_with_internal_blobs,
            capsule,
            metadata,
            blobs,
            idem,
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
            "memories_create_with_internal_blobs_and_inline_assets",
            self._backend.memories_create_with_internal_blobs_and_inline_assets,
            capsule,
            metadata,
            blobs,
            inline,
            idem,
        )

    async def memories_add_asset(self, memory: str, asset: InternalBlobAssetInput, idem: str, /) -> str:
        return await self._call("memories_add_asset", self._backend.memories_add_asset, memory, asset, idem)

    async def memories_add_inline_asset(self, memory: str, asset: InlineAssetInput, idem: str, /) -> str:
        return await self._call(
            "memories_add_inline_asset", self._backend.memories_add_inline_asset, memory, asset, idem
        )

    async def memories_read(self, memory: str, /) -> Memory:
        return await self._call("memories_read", self._backend.memories_read, memory)

    async def memories_list(self, capsule: str, cursor: str | None, limit: int | None, /) -> Page:
        return await self._call("memories_list", self._backend.memories_list, capsule, cursor, limit)

    async def memories_delete(self, memory: str, delete_assets: bool, /) -> None:  # noqa: FBT001 - as in Candid
        await self._call("memories_delete", self._backend.memories_delete, memory, delete_assets)
