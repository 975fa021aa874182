"""What an embedder is, and where one comes from.

An embedder turns thumbnails into vectors. It is found by its name in the entry-point group `ic_capsule.embedders`,
whose value is called without arguments (or with `weights`, the path that the user gave) and returns an `Embedder`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final, Protocol, runtime_checkable

from ic_harness.errors import InputError
from ic_harness.suggestions import suggest

GROUPS: Final = ("ic_capsule.embedders", "ic_harness.embedders")
"""The entry-point group, and its former name, which goes with the next release."""
DEFAULT: Final = "visual"


@runtime_checkable
class Embedder(Protocol):
    """Turns images into vectors.

    `name` identifies the model and its version in the ledger, `dim` is the number of float32 values of a vector,
    `batch` how many images it takes at once.
    """

    name: str
    dim: int
    batch: int

    def embed(self, images: Sequence[bytes]) -> list[bytes]:
        """Vectors of encoded thumbnails (WebP, at most 512 pixels wide and high), in their order.

        Each is `dim` float32 values, little-endian. Called in a thread. Raises `ImageError` for an image that cannot
        be decoded; any other exception is a failure of the model.
        """
        ...


def load_embedder(name: str = DEFAULT, weights: str | os.PathLike[str] | None = None) -> Embedder | None:
    """Load an embedder by its name; None when the default one is not installed.

    Raises `InputError` when another one is not installed, or the model refuses its weights.
    """
    entries = [entry for group in GROUPS for entry in entry_points(group=group)]
    found = [entry for entry in entries if entry.name == name]
    if not found:
        if name == DEFAULT:
            return None
        hint = suggest(name, sorted({entry.name for entry in entries}))
        raise InputError(f"no embedder {name!r} is installed; {hint}")
    make = found[0].load()
    made: Embedder = make() if weights is None else make(weights=weights)
    return made
