"""Uploads: a file becomes chunks, a photo becomes four assets, two lanes become one memory.

`upload_photo` and the downloads come in two forms, for a `Backend` and, with `_async`, for an `AsyncBackend`.
"""

from ic_capsule.uploads import describe, reliable
from ic_capsule.uploads.blocking import download_asset, download_blob, upload_file, upload_photo
from ic_capsule.uploads.download import download_asset_async, download_blob_async
from ic_capsule.uploads.kinds import Kind, found_in, has_signature, is_sidecar, is_sidecar_folder, known_kind
from ic_capsule.uploads.material import InMemory, Material
from ic_capsule.uploads.photo import PhotoUpload, upload_photo_async
from ic_capsule.uploads.plain import store_original, upload_file_async
from ic_capsule.uploads.results import Asset, Listener, Progress, UploadedPhoto
from ic_capsule.uploads.samples import make_large_jpeg, sample_photo
from ic_capsule.uploads.session import Trace
from ic_capsule.uploads.settled import Settled
from ic_capsule.uploads.source import FileSource, PhotoSource
from ic_capsule.uploads.strategy import Shape, Strategy, choose, irreversible
from ic_capsule.uploads.worker import Derivatives, derive, inspect

__all__ = [
    "Asset",
    "Derivatives",
    "FileSource",
    "InMemory",
    "Kind",
    "Listener",
    "Material",
    "PhotoSource",
    "PhotoUpload",
    "Progress",
    "Settled",
    "Shape",
    "Strategy",
    "Trace",
    "UploadedPhoto",
    "choose",
    "derive",
    "describe",
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
    "reliable",
    "sample_photo",
    "store_original",
    "upload_file",
    "upload_file_async",
    "upload_photo",
    "upload_photo_async",
]
