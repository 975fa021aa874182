"""Sample data for checks: bytes that differ by seed, and their metadata."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property

from ic_capsule.backend import (
    AssetMetadata,
    AssetMetadataBase,
    AssetMetadataImage,
    AssetType,
    ImageAssetMetadata,
    InlineAssetInput,
    InternalBlobAssetInput,
    MemoryMetadata,
    MemoryType,
    SharingStatus,
)
from ic_harness.testing.call_code import remember

NOW_NS = 1_700_000_000_000_000_000
"""The time that metadata of checks carries, nanoseconds since the Unix epoch."""


@dataclass(frozen=True)
class Content:
    """Bytes to upload, with their SHA-256."""

    data: bytes

    @cached_property
    def sha256(self) -> bytes:
        """The digest, 32 bytes."""
        return hashlib.sha256(self.data).digest()

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.data)

    def chunks(self, size: int) -> list[bytes]:
        """Cut the bytes into chunks of `size` bytes; the last may be shorter."""
        return [self.data[start : start + size] for start in range(0, len(self.data), size)]


def content(size: int, seed: object = 0) -> Content:
    """Make `size` bytes that depend on `seed` alone."""
    made = Content(random.Random(f"{seed}").randbytes(size))  # noqa: S311 - test data, no secret
    remember(size, seed, made)
    return made


def asset_metadata(
    sample: Content, asset_type: AssetType = AssetType.Original, name: str = "photo.jpg"
) -> AssetMetadata:
    """Describe `sample` as an image asset, truthfully."""
    base = AssetMetadataBase(
        name=name,
        tags=["conformance"],
        asset_type=asset_type,
        bytes=sample.size,
        mime_type="image/jpeg",
        sha256=sample.sha256,
        width=640,
        height=480,
        created_at=NOW_NS,
        updated_at=NOW_NS,
    )
    return AssetMetadataImage(value=ImageAssetMetadata(base=base, orientation=1))


def memory_metadata(title: str = "A day at the sea") -> MemoryMetadata:
    """Describe a memory; the fields that a backend computes are sent as zero."""
    return MemoryMetadata(
        memory_type=MemoryType.Image,
        title=title,
        content_type="image/jpeg",
        created_at=NOW_NS,
        updated_at=NOW_NS,
        uploaded_at=NOW_NS,
        date_of_memory=NOW_NS,
        tags=["sea", "summer"],
        database_storage_edges=[],
        shared_count=0,
        sharing_status=SharingStatus.Private,
        total_size=0,
        asset_count=0,
    )


def blob_asset(
    blob_id: str, sample: Content, asset_type: AssetType = AssetType.Original
) -> InternalBlobAssetInput:
    """Make an uploaded blob an asset."""
    return InternalBlobAssetInput(blob_id=blob_id, metadata=asset_metadata(sample, asset_type))


def inline_asset(sample: Content, asset_type: AssetType = AssetType.Placeholder) -> InlineAssetInput:
    """Make bytes an inline asset."""
    return InlineAssetInput(bytes=sample.data, metadata=asset_metadata(sample, asset_type))
