"""State on disk: blobs, the journal of committed rounds, checkpoints. The only part that touches files."""

from .blobs import FileBlobs, MemoryBlobs
from .codec import from_plain, to_plain
from .store import Store

__all__ = ["FileBlobs", "MemoryBlobs", "Store", "from_plain", "to_plain"]
