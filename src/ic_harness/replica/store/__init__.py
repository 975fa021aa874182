"""State on disk: blobs, the journal of committed rounds, checkpoints. The only part that touches files."""

from .blobs import FileBlobs, MemoryBlobs
from .codec import from_plain, to_plain
from .examination import StateFinding, StateReport
from .lock import FolderLock, lock_folder
from .network_file import NetworkFile, remove_subnet, subnet_folder
from .store import Store
from .subnet_folders import examine_state, salvage_state

__all__ = [
    "FileBlobs",
    "FolderLock",
    "MemoryBlobs",
    "NetworkFile",
    "StateFinding",
    "StateReport",
    "Store",
    "examine_state",
    "from_plain",
    "lock_folder",
    "remove_subnet",
    "salvage_state",
    "subnet_folder",
    "to_plain",
]
