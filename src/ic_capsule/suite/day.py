"""A user's day: the calls whose costs the stage Budgets measures and compares."""

from __future__ import annotations

from typing import Final

from ic_capsule.backend import AssetType
from ic_capsule.suite.material import asset_metadata, content
from ic_capsule.suite.stage import Caller
from ic_harness.errors import BackendError, NotInGenerationError, RejectError
from ic_harness.testing.expectations import lacks_method

_DAYS: Final = 5
"""How often everything is called: enough for a median that one dear call does not move."""


def live_days(alice: Caller) -> str:
    """Do everything of a day several times; returns what could not be called, and why."""
    reasons: dict[str, None] = {}
    for day in range(_DAYS):
        for errand in _ERRANDS:
            try:
                errand(alice, day)
            except BackendError as error:
                reasons[f"{error.method} was refused: {error.message}"] = None
            except NotInGenerationError as error:
                reasons[error.message] = None
            except RejectError as error:
                reasons[f"{error.method} is not there" if lacks_method(error) else str(error)] = None
    return "; ".join(reasons)


def _keep_a_photo(alice: Caller, day: int) -> None:
    """Store a blob, remember it, look at it, and take every other one away again."""
    backend = alice.backend
    memory, locator = alice.remember(content(alice.config.chunk_size, f"budget {day}"))
    alice.read(locator)
    backend.memories_read(memory)
    if day % 2:
        backend.memories_delete(memory, delete_assets=True)


def _change_ones_mind(alice: Caller, day: int) -> None:
    """Abort an upload, and delete a blob that no memory holds."""
    alice.backend.uploads_abort(alice.begin(3))
    alice.backend.blob_delete(alice.upload(content(alice.config.chunk_size, f"changed mind {day}")))


def _note_down(alice: Caller, day: int) -> None:
    """Keep something small inline, and look at the list."""
    small = content(1000, day)
    metadata = asset_metadata(small, AssetType.Placeholder)
    alice.backend.memories_create(
        alice.capsule, small.data, None, None, None, None, None, None, metadata, alice.idem()
    )
    alice.backend.memories_list(alice.capsule, None, None)


_ERRANDS: Final = (_keep_a_photo, _change_ones_mind, _note_down)
"""What a day consists of; one that a canister cannot do does not keep the others from being measured."""
