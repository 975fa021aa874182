"""The progress and the result of an upload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Lane: TypeAlias = Literal["notice", "original", "derivatives", "read back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a lane: `done` of `total` bytes (None: not known yet).

    Lanes are `original` (lane A), `derivatives` (lane B) and, at the end, `read back`. The lane `notice` comes first
    where the backend cannot undo a failed upload completely; `notice` then says what would stay.
    """

    lane: Lane
    done: int
    total: int | None
    notice: str = ""


Listener = Callable[[Progress], None]
"""Called on every progress, on the uploader's thread, so it must be quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An asset as it is stored; `locator` is None when it is inline, `bytes` is its length, `sha256` is hex."""

    asset_type: str
    asset_id: str
    locator: str | None
    bytes: int
    sha256: str
    mime_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedPhoto:
    """The result of an upload.

    `bytes` is the length of the original, `seconds` the time of the whole upload with reading back, and `verified` is
    True when every asset was read back equal. `other_memories` are those of the other assets on backends of
    generations A and B, where a memory has one asset only.
    """

    photo: str
    canister_id: str
    capsule_id: str
    memory_id: str
    seconds: float
    bytes: int
    verified: bool
    assets: tuple[Asset, ...]
    other_memories: tuple[str, ...] = ()
