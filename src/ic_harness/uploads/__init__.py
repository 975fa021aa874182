"""Uploads: a file becomes chunks, a photo becomes four assets, two lanes become one memory.

`upload_photo` and the downloads come in two forms, for a `Backend` and, with `_async`, for an `AsyncBackend`.
"""

from ic_harness.uploads.blocking import download_asset, download_blob, upload_photo
from ic_harness.uploads.download import download_asset_async, download_blob_async
from ic_harness.uploads.kinds import Kind, has_signature, is_sidecar, is_sidecar_folder, known_kind
from ic_harness.uploads.photo import upload_photo_async
from ic_harness.uploads.results import Asset, Listener, Progress, UploadedPhoto
from ic_harness.uploads.samples import make_large_jpeg, sample_photo
from ic_harness.uploads.strategy import irreversible

__all__ = [
    "Asset",
    "Kind",
    "Listener",
    "Progress",
    "UploadedPhoto",
    "download_asset",
    "download_asset_async",
    "download_blob",
    "download_blob_async",
    "has_signature",
    "irreversible",
    "is_sidecar",
    "is_sidecar_folder",
    "known_kind",
    "make_large_jpeg",
    "sample_photo",
    "upload_photo",
    "upload_photo_async",
]
