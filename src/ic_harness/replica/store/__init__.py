"""State on disk: blobs, the journal of committed rounds, checkpoints. The only part that touches files."""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names

from .blobs import FileBlobs, MemoryBlobs
from .codec import from_plain, to_plain
from .lock import FolderLock, lock_folder
from .network_file import NetworkFile, remove_subnet, subnet_folder

if TYPE_CHECKING:
    from .examination import StateFinding, StateReport
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

# For networks with a state folder only.
_LAZY = {
    "StateFinding": ".examination",
    "StateReport": ".examination",
    "Store": ".store",
    "examine_state": ".subnet_folders",
    "salvage_state": ".subnet_folders",
}

__getattr__ = lazy_names(__name__, _LAZY)
