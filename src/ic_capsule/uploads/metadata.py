"""Builds the metadata of the memory and its assets, from the file and from the facts that the worker read.

Nothing here depends on the clock: the same file results in the same metadata, so that a repeated upload does not create
a second memory.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ic_capsule.assets import SPECS, DerivativeName
from ic_capsule.backend import (
    AssetMetadata,
    AssetMetadataAudio,
    AssetMetadataBase,
    AssetMetadataDocument,
    AssetMetadataImage,
    AssetMetadataNote,
    AssetMetadataVideo,
    AssetType,
    AudioAssetMetadata,
    DatabaseHosting,
    DocumentAssetMetadata,
    ImageAssetMetadata,
    MemoryMetadata,
    MemoryType,
    NoteAssetMetadata,
    SharingStatus,
    VideoAssetMetadata,
)

from .content import ByteSource
from .source import FileSource
from .worker import Derivative


class IdempotencyKeys:
    """Derives the idempotency keys of one upload from the file's content, name and time of change.

    So an interrupted upload is continued by the next one of the same file. A file that another upload is using gets
    random keys: two concurrent uploads share nothing that one of them could remove.
    """

    def __init__(self, source: FileSource) -> None:
        salt = "" if source.alone else secrets.token_hex(16)
        self._file = f"{source.sha256.hex()}\0{source.path.name}\0{source.modified_ns}\0{salt}"

    def of(self, what: str) -> str:
        """Return the key of `what`: of a session, or of the memory."""
        text = f"{self._file}\0{what}"
        return f"ic-harness-{hashlib.sha256(os.fsencode(text)).hexdigest()[:40]}"


def photo_metadata(source: FileSource, facts: Mapping[str, Any]) -> AssetMetadata:
    """Build the metadata of a photo's original, as the camera stored it."""
    base = _base(source, AssetType.Original, source, facts["mime_type"], facts["width"], facts["height"])
    return AssetMetadataImage(
        value=ImageAssetMetadata(
            base=base,
            color_space=facts["color_space"],
            exif_data=facts["exif"],
            dpi=facts["dpi"],
            orientation=facts["orientation"],
        )
    )


def original_metadata(source: FileSource, facts: Mapping[str, Any]) -> AssetMetadata:
    """Build the metadata of the original of a file of any kind; `facts` may be incomplete."""
    known = {
        "width": None,
        "height": None,
        "color_space": None,
        "exif": None,
        "dpi": None,
        "orientation": None,
    }
    if source.kind.name == "image":
        return photo_metadata(source, {**known, **facts})
    base = _base(source, AssetType.Original, source, source.kind.mime, None, None)
    match source.kind.name:
        case "video":
            return AssetMetadataVideo(value=VideoAssetMetadata(base=base))
        case "audio":
            return AssetMetadataAudio(value=AudioAssetMetadata(base=base))
        case "note":
            return AssetMetadataNote(value=NoteAssetMetadata(base=base))
    return AssetMetadataDocument(value=DocumentAssetMetadata(base=base))


def derivative_metadata(source: FileSource, name: DerivativeName, image: Derivative) -> AssetMetadata:
    """Build the metadata of a derivative; it is upright, so its orientation is 1."""
    spec, size = SPECS[name], (image.width, image.height)
    base = _base(source, AssetType(spec.stored_as), image.content, spec.mime_type, *size)
    ratio = image.content.size / source.size
    return AssetMetadataImage(
        value=ImageAssetMetadata(base=base, color_space="sRGB", compression_ratio=ratio, orientation=1)
    )


def _base(
    source: FileSource,
    asset_type: AssetType,
    content: ByteSource,
    mime_type: str,
    width: int | None,
    height: int | None,
) -> AssetMetadataBase:
    return AssetMetadataBase(
        name=source.name,
        tags=[],
        asset_type=asset_type,
        bytes=content.size,
        mime_type=mime_type,
        sha256=content.sha256,
        width=width,
        height=height,
        created_at=source.modified_ns,
        updated_at=source.modified_ns,
    )


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """A file and the facts that the worker read from it."""

    source: FileSource
    facts: Mapping[str, Any]


def memory_metadata(about: PhotoInfo, uploaded_at: int) -> MemoryMetadata:
    """Build the metadata of the memory; `uploaded_at` is the backend's time in nanoseconds.

    The backend computes the sums.
    """
    source, facts = about.source, about.facts
    return MemoryMetadata(
        memory_type=MemoryType(source.kind.name.capitalize()),
        title=facts.get("title") or source.title,
        content_type=facts["mime_type"],
        created_at=source.modified_ns,
        updated_at=source.modified_ns,
        uploaded_at=uploaded_at,
        date_of_memory=taken_at_ns(facts),
        file_created_at=source.modified_ns,
        tags=list(facts.get("tags") or ()),
        location=facts.get("location"),
        database_storage_edges=[DatabaseHosting.Icp],
        shared_count=0,
        sharing_status=SharingStatus.Private,
        total_size=0,
        asset_count=0,
    )


def taken_at_ns(facts: Mapping[str, Any]) -> int | None:
    """The time at which the photo was taken, in nanoseconds since 1970; None when missing or invalid.

    Without an offset in the file the time is taken as UTC.
    """
    text, offset = facts.get("taken_at"), facts.get("taken_at_offset")
    if not text:
        return None
    try:
        taken = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
        if offset:
            taken = datetime.strptime(f"{text} {offset}", "%Y:%m:%d %H:%M:%S %z")
    except ValueError:
        return None
    return int(taken.timestamp()) * 1_000_000_000 if taken.year >= 1970 else None
