"""Determines the kind of memory that a file becomes: by its first bytes, and where those are unknown by its ending.

An ending alone is decisive only for kinds that have no signature (text, some videos). A file with an image's ending but
unknown bytes is listed as an image and fails as `invalid`, so that it is accounted for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """A kind of memory (image, video, audio, document, note) and a MIME type."""

    name: str
    mime: str


IMAGE: Final = Kind("image", "image/jpeg")
UNKNOWN_KIND: Final = Kind("document", "application/octet-stream")

_BRANDS: Final[Mapping[bytes, Kind]] = {
    b"avif": Kind("image", "image/avif"), b"avis": Kind("image", "image/avif"),
    b"mif1": Kind("image", "image/heif"), b"msf1": Kind("image", "image/heif"),
    b"heic": Kind("image", "image/heic"), b"heix": Kind("image", "image/heic"), b"hevc": Kind("image", "image/heic"),
    b"heim": Kind("image", "image/heic"), b"heis": Kind("image", "image/heic"),
    b"crx ": Kind("image", "image/x-canon-cr3"),
    b"qt  ": Kind("video", "video/quicktime"), b"M4A ": Kind("audio", "audio/mp4"), b"M4B ": Kind("audio", "audio/mp4"),
    b"3gp4": Kind("video", "video/3gpp"), b"3gp5": Kind("video", "video/3gpp"),
}  # fmt: skip
"""Brands of the ISO base media format (bytes 8 to 12 after `ftyp`); all others are MP4 video."""

_SIGNATURES: Final = (
    (0, b"\xff\xd8\xff", Kind("image", "image/jpeg")),
    (0, b"\x89PNG\r\n\x1a\n", Kind("image", "image/png")),
    (0, b"GIF87a", Kind("image", "image/gif")),
    (0, b"GIF89a", Kind("image", "image/gif")),
    (8, b"WEBP", Kind("image", "image/webp")),
    (0, b"BM", Kind("image", "image/bmp")),
    (0, b"FUJIFILMCCD-RAW", Kind("image", "image/x-fuji-raf")),
    (0, b"IIU\x00", Kind("image", "image/x-panasonic-rw2")),
    (0, b"IIRO", Kind("image", "image/x-olympus-orf")),
    (0, b"II*\x00", Kind("image", "image/tiff")),
    (0, b"MM\x00*", Kind("image", "image/tiff")),
    (0, b"II+\x00", Kind("image", "image/tiff")),
    (0, b"MM\x00+", Kind("image", "image/tiff")),
    (0, b"%PDF-", Kind("document", "application/pdf")),
    (0, b"\x1aE\xdf\xa3", Kind("video", "video/x-matroska")),
    (8, b"AVI ", Kind("video", "video/x-msvideo")),
    (8, b"WAVE", Kind("audio", "audio/wav")),
    (0, b"ID3", Kind("audio", "audio/mpeg")),
    (0, b"fLaC", Kind("audio", "audio/flac")),
    (0, b"OggS", Kind("audio", "audio/ogg")),
)

_RAW: Final[Mapping[str, str]] = {
    ".dng": "image/x-adobe-dng", ".cr2": "image/x-canon-cr2", ".nef": "image/x-nikon-nef", ".arw": "image/x-sony-arw",
    ".pef": "image/x-pentax-pef", ".srw": "image/x-samsung-srw", ".nrw": "image/x-nikon-nrw",
}  # fmt: skip
"""Raw formats that are TIFF by their first bytes."""

_ENDINGS: Final[Mapping[str, Kind]] = {
    ".jpg": Kind("image", "image/jpeg"), ".jpeg": Kind("image", "image/jpeg"), ".png": Kind("image", "image/png"),
    ".gif": Kind("image", "image/gif"), ".webp": Kind("image", "image/webp"), ".bmp": Kind("image", "image/bmp"),
    ".tif": Kind("image", "image/tiff"), ".tiff": Kind("image", "image/tiff"), ".avif": Kind("image", "image/avif"),
    ".heic": Kind("image", "image/heic"), ".heif": Kind("image", "image/heif"),
    ".cr3": Kind("image", "image/x-canon-cr3"),
    ".raf": Kind("image", "image/x-fuji-raf"), ".rw2": Kind("image", "image/x-panasonic-rw2"),
    ".orf": Kind("image", "image/x-olympus-orf"),
    ".mp4": Kind("video", "video/mp4"), ".m4v": Kind("video", "video/mp4"), ".mov": Kind("video", "video/quicktime"),
    ".avi": Kind("video", "video/x-msvideo"), ".mkv": Kind("video", "video/x-matroska"),
    ".webm": Kind("video", "video/webm"), ".mpg": Kind("video", "video/mpeg"), ".mpeg": Kind("video", "video/mpeg"),
    ".mts": Kind("video", "video/mp2t"), ".3gp": Kind("video", "video/3gpp"),
    ".mp3": Kind("audio", "audio/mpeg"), ".m4a": Kind("audio", "audio/mp4"), ".wav": Kind("audio", "audio/wav"),
    ".flac": Kind("audio", "audio/flac"), ".ogg": Kind("audio", "audio/ogg"), ".opus": Kind("audio", "audio/ogg"),
    ".aac": Kind("audio", "audio/aac"),
    ".pdf": Kind("document", "application/pdf"), ".rtf": Kind("document", "application/rtf"),
    ".doc": Kind("document", "application/msword"), ".odt": Kind("document", "application/vnd.oasis.opendocument.text"),
    ".docx": Kind("document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".txt": Kind("note", "text/plain"), ".md": Kind("note", "text/markdown"),
}  # fmt: skip
_SIGNED: Final = frozenset({"image"})
"""Kinds that are always known by their first bytes."""

_SIDECAR_ENDINGS: Final = frozenset(
    {
        ".xmp",
        ".aae",
        ".thm",
        ".json",
        ".ini",
        ".db",
        ".lrprev",
        ".pp3",
        ".dop",
        ".on1",
        ".bak",
        ".tmp",
        ".part",
    }
)
_SIDECAR_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
_SIDECAR_FOLDERS: Final = frozenset({"@eadir", "__macosx", "$recycle.bin", "system volume information"})


def known_kind(path: PurePath, start: bytes) -> Kind | None:
    """The kind of a file by its first 16 bytes and its name; None for an unsupported kind."""
    kind = _by_bytes(start)
    ending = path.suffix.lower()
    if kind is not None:
        if kind.mime == "image/tiff" and ending in _RAW:
            return Kind("image", _RAW[ending])
        if kind.mime == "video/x-matroska" and ending == ".webm":
            return _ENDINGS[ending]
        return kind
    return _ENDINGS.get(ending) or (Kind("image", _RAW[ending]) if ending in _RAW else None)


def has_signature(kind: Kind, start: bytes) -> bool:
    """Whether the first bytes of a file are those of its kind, for kinds that have a signature."""
    found = _by_bytes(start)
    return kind.name not in _SIGNED or (found is not None and found.name == kind.name)


def _by_bytes(start: bytes) -> Kind | None:
    if start[8:12] in (b"WEBP", b"AVI ", b"WAVE") and not start.startswith(b"RIFF"):
        return None
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], Kind("video", "video/mp4"))
    return next(
        (kind for offset, sign, kind in _SIGNATURES if start[offset : offset + len(sign)] == sign), None
    )


def is_sidecar(path: PurePath) -> bool:
    """Whether the name is that of a file which other programs keep beside photos."""
    name = path.name.lower()
    return name.startswith(".") or name in _SIDECAR_NAMES or path.suffix.lower() in _SIDECAR_ENDINGS


def is_sidecar_folder(name: str) -> bool:
    """Whether the name is that of a folder which systems keep beside photos."""
    return name.startswith(".") or name.lower() in _SIDECAR_FOLDERS


def found_in(path: Path) -> Iterator[Path]:
    """The files in a folder and its subfolders, without sidecars, in order; of a file the file itself.

    Links to folders are not followed, so a loop of links ends.
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(inner for inner in folders if not is_sidecar_folder(inner))
        yield from (Path(folder, file) for file in sorted(files) if not is_sidecar(Path(file)))


def decoder_hint(kind: Kind) -> str | None:
    """The MIME type for a decoder of files that it does not recognize by its own signatures; else None."""
    return (
        kind.mime if kind.mime.startswith("image/x-") or kind.mime in ("image/heic", "image/heif") else None
    )
