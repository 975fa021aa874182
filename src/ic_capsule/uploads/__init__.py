"""Uploads: files in chunks, photos with their derivatives in two lanes, and downloads.

`upload_photo` and the downloads have two forms: for a `Backend` (any `BackendCalls`) and, with the suffix `_async`, for
an `AsyncBackend` (any `AsyncBackendCalls`).
"""

from ic_capsule.uploads import resumable
from ic_capsule.uploads.archive import DownloadFolder, SavedAsset, StoredAsset, stored_assets
from ic_capsule.uploads.calls import AsyncBackendCalls, BackendCalls, BlobId, CapsuleId, MemoryId, SessionId
from ic_capsule.uploads.content import ByteSource, InMemory
from ic_capsule.uploads.download import download_asset_async, download_blob_async
from ic_capsule.uploads.forwarding import AsyncForwardingClient, ForwardingClient
from ic_capsule.uploads.kinds import Kind, found_in, has_signature, is_sidecar, is_sidecar_folder, known_kind
from ic_capsule.uploads.metadata import (
    IdempotencyKeys,
    PhotoInfo,
    derivative_metadata,
    memory_metadata,
    original_metadata,
    photo_metadata,
)
from ic_capsule.uploads.photo import PhotoUpload, upload_photo_async
from ic_capsule.uploads.plain import store_original, upload_file_async
from ic_capsule.uploads.results import Asset, Listener, Progress, UploadedPhoto
from ic_capsule.uploads.samples import make_large_jpeg, sample_photo
from ic_capsule.uploads.shielded import ShieldedClient
from ic_capsule.uploads.source import FileSource, PhotoSource
from ic_capsule.uploads.strategy import MemoryLayout, Strategy, choose_strategy, irreversible
from ic_capsule.uploads.sync_api import download_asset, download_blob, upload_file, upload_photo
from ic_capsule.uploads.threaded import ThreadedClient
from ic_capsule.uploads.upload_state import BlobUpload
from ic_capsule.uploads.worker import Derivatives, derive, inspect

__all__ = [
    "Asset",
    "AsyncBackendCalls",
    "AsyncForwardingClient",
    "BackendCalls",
    "BlobId",
    "BlobUpload",
    "ByteSource",
    "CapsuleId",
    "Derivatives",
    "DownloadFolder",
    "FileSource",
    "ForwardingClient",
    "IdempotencyKeys",
    "InMemory",
    "Kind",
    "Listener",
    "MemoryId",
    "MemoryLayout",
    "PhotoInfo",
    "PhotoSource",
    "PhotoUpload",
    "Progress",
    "SavedAsset",
    "SessionId",
    "ShieldedClient",
    "StoredAsset",
    "Strategy",
    "ThreadedClient",
    "UploadedPhoto",
    "choose_strategy",
    "derivative_metadata",
    "derive",
    "download_asset",
    "download_asset_async",
    "download_blob",
    "download_blob_async",
    "found_in",
    "has_signature",
    "inspect",
    "irreversible",
    "is_sidecar",
    "is_sidecar_folder",
    "known_kind",
    "make_large_jpeg",
    "memory_metadata",
    "original_metadata",
    "photo_metadata",
    "resumable",
    "sample_photo",
    "store_original",
    "stored_assets",
    "upload_file",
    "upload_file_async",
    "upload_photo",
    "upload_photo_async",
]
