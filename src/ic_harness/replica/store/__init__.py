"""State on disk: blobs, the journal of committed rounds, checkpoints. The only part that touches files."""

from .blobs import FileBlobs, MemoryBlobs
from .codec import from_plain, to_plain
from .examination import StateFinding, StateReport, examine_state
from .salvage import salvage_state
from .store import Store

__all__ = [
    "FileBlobs",
    "MemoryBlobs",
    "StateFinding",
    "StateReport",
    "Store",
    "examine_state",
    "from_plain",
    "salvage_state",
    "to_plain",
]
