"""Chooses how a photo is stored on a backend, from the methods and traits of its generation.

Backends with resumable uploads (`Profile.supports_resumable_uploads`) get parallel chunks, and one call for the memory.
All others get sequential uploads, and the memory depends on the calls that they have:

    A, B   every asset is a memory of its own: finish creates it, and no call puts two into one
    C      one memory of blobs only: there is no call to add inline bytes
    H      one memory created from the first blob; the others are added one by one, since assets that are created in
           one call get the same id
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final, TypeAlias

from ic_capsule.assets import BLOBS, DERIVATIVES, DerivativeName
from ic_capsule.backend import Profile

from . import resumable, sequential
from .calls import AsyncBackendCalls
from .upload_state import BlobUpload, Sent


class MemoryLayout(Enum):
    """How the memory of a photo is created from its assets."""

    SINGLE_CALL = "one memory, in one call"
    INCREMENTAL = "one memory, asset by asset"
    BLOBS_ONLY = "one memory of blobs"
    PER_ASSET = "a memory for each asset"


Upload: TypeAlias = Callable[[AsyncBackendCalls, BlobUpload, list[BlobUpload], Sent], Awaitable[BlobUpload]]
"""Stores the content of a blob; the list has its state while it may have to be undone."""
Undo: TypeAlias = Callable[[AsyncBackendCalls, BlobUpload], Awaitable[None]]
"""Removes what the upload of a blob has created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The choices for a backend: `upload` and `undo` of a blob, and the `layout` of the memory.

    `repeatable`: any call may be repeated and returns the same reply. `irreversible` says what a failed upload leaves
    for good; empty when everything can be undone.
    """

    upload: Upload
    undo: Undo
    layout: MemoryLayout
    repeatable: bool = False
    irreversible: str = ""

    @property
    def one_at_a_time(self) -> bool:
        """Whether finish creates a memory.

        Then an asset must be described before its first byte is sent; and since the time names such a memory, two
        assets must not be finished in one round.
        """
        return self.layout is MemoryLayout.PER_ASSET

    @property
    def blobs(self) -> tuple[DerivativeName, ...]:
        """The derivatives that are sent as blobs; the others are sent inline."""
        if self.layout is MemoryLayout.BLOBS_ONLY:
            return tuple(spec.name for spec in DERIVATIVES)
        return BLOBS


_NO_BLOB_DELETE: Final = (
    "A backend of generation {} cannot undo a failed upload completely: it has no call that deletes a blob, and it may "
    "refuse to delete a memory that holds one. What stays is named, each memory and each blob."
)
_SINGLE_CALL: Final = "memories_create_with_internal_blobs_and_inline_assets"


def choose_strategy(profile: Profile) -> Strategy:
    """Return the strategy for a backend."""
    if profile.supports_resumable_uploads:
        single = profile.has(_SINGLE_CALL)
        layout = MemoryLayout.SINGLE_CALL if single else MemoryLayout.INCREMENTAL
        return Strategy(upload=resumable.upload, undo=resumable.undo, layout=layout, repeatable=True)
    traits = profile.traits
    window = sequential.PARALLEL if traits.chunks_in_any_order else 1
    known = traits.blob_id_from_session
    return Strategy(
        upload=partial(sequential.upload, window=window, blob_id_known=known),
        undo=partial(sequential.undo, blob_id_known=known),
        layout=_layout(profile),
        irreversible="" if profile.has("blob_delete") else _NO_BLOB_DELETE.format(profile.generation),
    )


def _layout(profile: Profile) -> MemoryLayout:
    if profile.traits.metadata_at_begin:
        return MemoryLayout.PER_ASSET
    if profile.has("memories_add_asset") and profile.has("memories_add_inline_asset"):
        return MemoryLayout.INCREMENTAL
    return MemoryLayout.BLOBS_ONLY


def irreversible(profile: Profile) -> str:
    """Return what a failed upload to this backend leaves for good, as a sentence; empty when all can be undone."""
    return choose_strategy(profile).irreversible
