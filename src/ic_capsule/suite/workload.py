"""The workload of the stage Budgets: the calls of a user's day, whose costs are measured and compared."""

from __future__ import annotations

from typing import Final

from ic_capsule.backend import AssetType
from ic_capsule.suite.context import Caller
from ic_capsule.suite.sample_data import asset_metadata, content
from ic_harness.errors import BackendError, NotInGenerationError, RejectError
from ic_harness.testing.assertions import lacks_method

_DAYS: Final = 5
"""How often everything is called: enough for a median that one dear call does not move."""


def run_workload(alice: Caller) -> str:
    """Make all calls of the workload several times. Returns which calls failed, and why."""
    reasons: dict[str, None] = {}
    for day in range(_DAYS):
        for task in _TASKS:
            try:
                task(alice, day)
            except BackendError as error:
                reasons[f"{error.method} was refused: {error.message}"] = None
            except NotInGenerationError as error:
                reasons[error.message] = None
            except RejectError as error:
                reasons[f"{error.method} is not there" if lacks_method(error) else str(error)] = None
    return "; ".join(reasons)


def _keep_a_photo(alice: Caller, day: int) -> None:
    """Store a blob, make a memory of it, read both, and delete every other memory."""
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
    """Store a small inline asset, and list the memories."""
    small = content(1000, day)
    metadata = asset_metadata(small, AssetType.Placeholder)
    alice.backend.memories_create(
        alice.capsule, small.data, None, None, None, None, None, None, metadata, alice.idem()
    )
    alice.backend.memories_list(alice.capsule, None, None)


_TASKS: Final = (_keep_a_photo, _change_ones_mind, _note_down)
"""What a day consists of; one that a canister cannot do does not keep the others from being measured."""
