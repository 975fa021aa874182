# ruff: noqa: D102 - the methods are documented in the generated `Backend` and `AsyncBackend`
"""The calls of a backend that uploads make, as protocols, and the ids in them as types.

`Backend` is a `BackendCalls` and `AsyncBackend` an `AsyncBackendCalls`; `ThreadedClient` makes the second of the first.
Subclasses of `ForwardingClient` and `AsyncForwardingClient` wrap one, as `ShieldedClient` does. All arguments are
positional. Every call raises `BackendError` for an `Err`, `NotInGenerationError` for what the generation lacks, and
what the agent raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType, Protocol

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

CapsuleId = NewType("CapsuleId", str)
MemoryId = NewType("MemoryId", str)
SessionId = NewType("SessionId", int)
BlobId = NewType("BlobId", str)
"""The locator of a blob as the backend returned it (`BlobLocator.parse` validates one)."""


class BackendCalls(Protocol):
    """The calls of uploads and downloads on a synchronous client."""

    @property
    def canister_id(self) -> Principal:
        """The canister that is called."""

    def detect_generation(self) -> Profile: ...
    def upload_config(self) -> UploadConfig: ...
    def capsules_create(self, subject: PersonRef | None, /) -> Capsule: ...
    def begin_upload(
        self, capsule: str, chunks: int, idem: str, metadata: AssetMetadata | None, /
    ) -> int: ...
    def uploads_begin(self, capsule: str, chunks: int, idem: str, /) -> int: ...
    def uploads_status(self, session: int, /) -> UploadStatus: ...
    def uploads_put_chunk(self, session: int, index: int, data: bytes, /) -> None: ...
    def uploads_finish(self, session: int, sha256: bytes, size: int, /) -> UploadFinishResult: ...
    def uploads_abort(self, session: int, /) -> None: ...
    def blob_get_meta(self, locator: str, /) -> BlobMeta: ...
    def blob_read_chunk(self, locator: str, index: int, /) -> bytes: ...
    def blob_delete(self, locator: str, /) -> str: ...
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
    ) -> str: ...
    def memories_create_with_internal_blobs(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        idem: str,
        /,
    ) -> str: ...
    def memories_create_with_internal_blobs_and_inline_assets(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        inline: Sequence[InlineAssetInput],
        idem: str,
        /,
    ) -> str: ...
    def memories_add_asset(self, memory: str, asset: InternalBlobAssetInput, idem: str, /) -> str: ...
    def memories_add_inline_asset(self, memory: str, asset: InlineAssetInput, idem: str, /) -> str: ...
    def memories_read(self, memory: str, /) -> Memory: ...
    def memories_list(self, capsule: str, cursor: str | None, limit: int | None, /) -> Page: ...
    def memories_delete(self, memory: str, delete_assets: bool, /) -> None: ...  # noqa: FBT001 - as in Candid


class AsyncBackendCalls(Protocol):
    """The calls of uploads and downloads on an asynchronous client."""

    @property
    def canister_id(self) -> Principal:
        """The canister that is called."""

    async def detect_generation(self) -> Profile: ...
    async def upload_config(self) -> UploadConfig: ...
    async def capsules_create(self, subject: PersonRef | None, /) -> Capsule: ...
    async def begin_upload(
        self, capsule: str, chunks: int, idem: str, metadata: AssetMetadata | None, /
    ) -> int: ...
    async def uploads_begin(self, capsule: str, chunks: int, idem: str, /) -> int: ...
    async def uploads_status(self, session: int, /) -> UploadStatus: ...
    async def uploads_put_chunk(self, session: int, index: int, data: bytes, /) -> None: ...
    async def uploads_finish(self, session: int, sha256: bytes, size: int, /) -> UploadFinishResult: ...
    async def uploads_abort(self, session: int, /) -> None: ...
    async def blob_get_meta(self, locator: str, /) -> BlobMeta: ...
    async def blob_read_chunk(self, locator: str, index: int, /) -> bytes: ...
    async def blob_delete(self, locator: str, /) -> str: ...
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
    ) -> str: ...
    async def memories_create_with_internal_blobs(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        idem: str,
        /,
    ) -> str: ...
    async def memories_create_with_internal_blobs_and_inline_assets(
        self,
        capsule: str,
        metadata: MemoryMetadata,
        blobs: Sequence[InternalBlobAssetInput],
        inline: Sequence[InlineAssetInput],
        idem: str,
        /,
    ) -> str: ...
    async def memories_add_asset(self, memory: str, asset: InternalBlobAssetInput, idem: str, /) -> str: ...
    async def memories_add_inline_asset(self, memory: str, asset: InlineAssetInput, idem: str, /) -> str: ...
    async def memories_read(self, memory: str, /) -> Memory: ...
    async def memories_list(self, capsule: str, cursor: str | None, limit: int | None, /) -> Page: ...
    async def memories_delete(self, memory: str, delete_assets: bool, /) -> None: ...  # noqa: FBT001 - as in Candid
