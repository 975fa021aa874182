"""What an upload tells: how far it is, and what it made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a lane is: `done` of `total` bytes (None: not known yet).

    Lanes are `original` (lane A), `derivatives` (lane B) and, at the end, `read back`. Before all of them comes the
    lane `notice` where the backend cannot undo a failed upload whole; `notice` then says what would stay.
    """

    lane: str
    done: int
    total: int | None
    notice: str = ""


Listener = Callable[[Progress], None]
"""Told of every step; called on the uploader's thread, so it must be quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One of the four assets as it is stored; `locator` is None when it is inline, `sha256` is hex."""

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
    """A photo that became a memory.

    `bytes` is the length of the original, `seconds` the time of the whole upload with reading back, and `verified`
    tells that every asset was read back equal. `other_memories` are those of the other assets on backends of
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
