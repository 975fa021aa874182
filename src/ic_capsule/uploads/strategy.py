"""How a photo is stored on a backend of which generation: a table.

Backends that promise what the reference does (`Profile.reliable`) get chunks in parallel, and one call for the memory.
All others get them carefully, and what a memory is made of depends on the calls that they have:

    A, B   every asset is a memory of its own: finish makes it, and no call puts two into one
    C      one memory of four blobs, the placeholder too: there is no call to add inline bytes
    H      one memory made from the first blob; the others are added in calls of their own, since assets that come in
           one call get one id
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

from ic_capsule.backend import Generation, Profile

from . import careful, reliable
from .session import Trace


class Shape(Enum):
    """What the four assets of a photo become."""

    WHOLE = "one memory, in one call"
    IN_STEPS = "one memory, asset by asset"
    BLOBS_ONLY = "one memory of blobs"
    ONE_EACH = "a memory for each asset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What is done differently: `upload` and `undo` of a blob, and the `shape` of the memory.

    `repeatable` tells that any call may be made a second time: it gives the same answer. `irreversible` says what a
    failed upload leaves for good; empty when everything can be undone.
    """

    upload: Callable[..., Awaitable[Trace]]
    undo: Callable[[Any, Trace], Awaitable[None]]
    shape: Shape
    repeatable: bool = False
    irreversible: str = ""

    @property
    def one_at_a_time(self) -> bool:
        """Whether finish makes a memory.

        Then an asset must be described before its first byte is sent; and since such a memory is named by the time, two
        assets must not be finished in one round.
        """
        return self.shape is Shape.ONE_EACH

    @property
    def blobs(self) -> tuple[str, ...]:
        """The derivatives that are sent as blobs; the others travel inline."""
        inline = () if self.shape is Shape.BLOBS_ONLY else ("Placeholder",)
        return tuple(name for name in ("Display", "Thumbnail", "Placeholder") if name not in inline)


_NO_BLOB_DELETE: Final = (
    "A backend of generation {} cannot undo a failed upload whole: it has no call that deletes a blob, and it may "
    "refuse to delete a memory that holds one. What stays is named, each memory and each blob."
)
_WHOLE_CALL: Final = "memories_create_with_internal_blobs_and_inline_assets"
_STRATEGIES: Final[Mapping[Generation, Strategy]] = {
    # Pages are hashed in their order at finish, and a page may come twice; but finish works once.
    Generation.A: Strategy(
        upload=partial(careful.upload, window=careful.PARALLEL, numbered=False),
        undo=partial(careful.undo, numbered=False),
        shape=Shape.ONE_EACH,
        irreversible=_NO_BLOB_DELETE.format("A"),
    ),
    Generation.B: Strategy(
        upload=careful.upload,
        undo=careful.undo,
        shape=Shape.ONE_EACH,
        irreversible=_NO_BLOB_DELETE.format("B"),
    ),
    Generation.C: Strategy(upload=careful.upload, undo=careful.undo, shape=Shape.BLOBS_ONLY),
    Generation.H: Strategy(upload=careful.upload, undo=careful.undo, shape=Shape.IN_STEPS),
}


def choose(profile: Profile) -> Strategy:
    """The strategy for a backend."""
    if not profile.reliable:
        return _STRATEGIES[profile.generation]
    shape = Shape.WHOLE if profile.has(_WHOLE_CALL) else Shape.IN_STEPS
    return Strategy(upload=reliable.upload, undo=reliable.undo, shape=shape, repeatable=True)


def irreversible(profile: Profile) -> str:
    """Return what a failed upload to this backend leaves for good, as a sentence; empty when all can be undone."""
    return choose(profile).irreversible
