"""The assets of a photo: a table from which rendering, order, lanes, checks and upload strategy follow.

A derivative is added in this file alone: a row, and its name in `DerivativeName`. It is stored as an `AssetType` of the
interface, several as the same one where their MIME types differ.
This module imports nothing heavy, because the image worker and the commands import it at start-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

DerivativeName: TypeAlias = Literal["Display", "Thumbnail", "Placeholder"]
AssetName: TypeAlias = Literal["Original", DerivativeName]
StoredType: TypeAlias = Literal["Display", "Thumbnail", "Placeholder"]
"""The asset types of the interface as which derivatives are stored, by their names in the newest generation."""
Codec: TypeAlias = Literal["WEBP", "AVIF"]
"""An encoder, by Pillow's name."""
Placement: TypeAlias = Literal["blob", "inline"]
"""Where the bytes of an asset are stored: in chunks as a blob, or inside the memory."""


class DerivativeSpec(NamedTuple):
    """One derivative: the type as which it is stored, its long edge in pixels at most, its encoding, its placement.

    `options` are those of Pillow's encoder. WebP's `method` is the effort (0 to 6): 2 makes the display 2 % larger than
    Pillow's default 4, in less than half of the time.
    """

    name: DerivativeName
    stored_as: StoredType
    edge: int
    codec: Codec
    mime_type: str
    placement: Placement
    options: Mapping[str, int]


ORIGINAL: Final = "Original"
DERIVATIVES: Final = (
    DerivativeSpec("Display", "Display", 2048, "WEBP", "image/webp", "blob", {"quality": 82, "method": 2}),
    DerivativeSpec("Thumbnail", "Thumbnail", 512, "WEBP", "image/webp", "blob", {"quality": 82, "method": 4}),
    DerivativeSpec(
        "Placeholder", "Placeholder", 32, "WEBP", "image/webp", "inline", {"quality": 60, "method": 4}
    ),
)
"""All derivatives, the largest edge first: each is rendered from the one before."""
SPECS: Final[Mapping[str, DerivativeSpec]] = {spec.name: spec for spec in DERIVATIVES}
"""The derivatives by name."""
PREVIEW: Final = SPECS["Thumbnail"]
"""The derivative that galleries show."""
ASSETS: Final[tuple[AssetName, ...]] = (ORIGINAL, *(spec.name for spec in DERIVATIVES))
"""All assets of a photo, in the order of results and reports."""
BLOBS: Final = tuple(spec.name for spec in DERIVATIVES if spec.placement == "blob")
"""The derivatives that are uploaded in chunks, where the backend can store the others inline."""
INLINE: Final = tuple(spec.name for spec in DERIVATIVES if spec.placement == "inline")
"""The derivatives that are stored inside the memory."""
_NAMES: Final[Mapping[tuple[str, str], str]] = {
    (spec.stored_as, spec.mime_type): spec.name for spec in DERIVATIVES
}


def name_of(asset_type: str, mime_type: str) -> str:
    """Return the name of a stored asset by its type and MIME type; its type where no row stores such a one."""
    return _NAMES.get((asset_type, mime_type), asset_type)
