"""Metadata of the memory and its assets, from the file and what the worker found out.

Nothing here depends on the clock: the same file gives the same metadata, so that an upload can be repeated
without making a second memory.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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

from .material import Material
from .source import FileSource
from .worker import MIME_TYPE, Derivative


class Keys:
    """Makes the idempotency keys of one upload: from the file's content, name and time of change.

    So an upload that broke off is continued by the next one of the same file. A file that another upload is
    busy with gets random keys: two uploads at once share nothing that one of them could take away.
    """

    def __init__(self, source: FileSource) -> None:
        salt = "" if source.alone else secrets.token_hex(16)
        self._file = f"{source.sha256.hex()}\0{source.path.name}\0{source.modified_ns}\0{salt}"

    def of(self, what: str) -> str:
        """The key of `what`: a session, the memory."""
        text = f"{self._file}\0{what}"
        return f"ic-harness-{hashlib.sha256(os.fsencode(text)).hexdigest()[:40]}"


def original(source: FileSource, facts: Mapping[str, Any]) -> AssetMetadata:
    """Describe the original, as the camera stored it."""
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


def original_of(source: FileSource, facts: Mapping[str, Any]) -> AssetMetadata:
    """Describe the original of a file of any kind; `facts` may say little of it."""
    known = {
        "width": None,
        "height": None,
        "color_space": None,
        "exif": None,
        "dpi": None,
        "orientation": None,
    }
    if source.kind.name == "image":
        return original(source, {**known, **facts})
    base = _base(source, AssetType.Original, source, source.kind.mime, None, None)
    match source.kind.name:
        case "video":
            return AssetMetadataVideo(value=VideoAssetMetadata(base=base))
        case "audio":
            return AssetMetadataAudio(value=AudioAssetMetadata(base=base))
        case "note":
            return AssetMetadataNote(value=NoteAssetMetadata(base=base))
    return AssetMetadataDocument(value=DocumentAssetMetadata(base=base))


def derivative(source: FileSource, name: str, image: Derivative) -> AssetMetadata:
    """Describe a derivative; it is upright, so its orientation is 1."""
    base = _base(source, AssetType(name), image.material, MIME_TYPE, image.width, image.height)
    ratio = image.material.size / source.size
    return AssetMetadataImage(
        value=ImageAssetMetadata(base=base, color_space="sRGB", compression_ratio=ratio, orientation=1)
    )


def _base(
    source: FileSource,
    asset_type: AssetType,
    material: Material,
    mime_type: str,
    width: int | None,
    height: int | None,
) -> AssetMetadataBase:
    return AssetMetadataBase(
        name=source.name,
        tags=[],
        asset_type=asset_type,
        bytes=material.size,
        mime_type=mime_type,
        sha256=material.sha256,
        width=width,
        height=height,
        created_at=source.modified_ns,
        updated_at=source.modified_ns,
    )


@dataclass(frozen=True, slots=True)
class About:
    """A photo and what the worker found out about it."""

    source: FileSource
    facts: Mapping[str, Any]


def memory(about: About, uploaded_at: int) -> MemoryMetadata:
    """Describe the memory; `uploaded_at` is the backend's own time, nanoseconds. Sums are the backend's affair."""
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
    """When the photo was taken, nanoseconds since 1970; None when the camera did not say, or no real time.

    Without an offset in the file the camera's clock is taken for UTC.
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
