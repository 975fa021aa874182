"""A canister's linear memory while it runs: a view of its committed image that can be kept or thrown away.

Two strategies with the same rules: `memory_mmap` lets the kernel track what was written (Linux), `memory_copy` keeps
a second copy (everywhere). `choose()` takes the first where it works.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ic_harness.lazy_dataclass import dataclass

from .committed_memory import Image
from .pages import Range

RESERVATION = 4 << 30
"""Bytes of address space behind each memory: 32-bit code then needs no bounds checks of its own."""
GUARD = 32 << 20
"""Bytes behind the reservation that fault, for constant offsets (the engine's own default)."""


class LinearMemory(ABC):
    """The live view of an image. `base` is an address, `size` and limits are bytes."""

    base: int
    size: int
    image: Image

    def __init__(self, image: Image) -> None:
        self.image = image
        self.hard_limit = RESERVATION
        """memory.grow beyond it gives -1."""
        self.soft_limit = 0
        """Growing beyond it ends the message; 0 = none."""
        self.refused = 0
        """The size that the soft limit refused in this message, else 0."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Bytes that the memory can grow to without moving."""

    @abstractmethod
    def grow(self, size: int) -> bool:
        """Make the memory `size` bytes long, new bytes zero; False when the system has no room."""

    @abstractmethod
    def written(self) -> list[Range]:
        """What was changed since the last commit (byte offsets, whole pages)."""

    @abstractmethod
    def commit(self) -> list[Range]:
        """Write what was changed into the image; returns the ranges (byte offsets)."""

    @abstractmethod
    def rollback(self) -> None:
        """Show the image again, content and size."""

    @abstractmethod
    def branch(self) -> Image:
        """An image of what the view shows now, for one other view at a time.

        The committed image stays as it is until that view commits, and must not change before.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the address space."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How memories are held: how to make an empty image, and a view of one.

    `guarded` = faults are used for bounds.
    """

    name: str
    new_image: Callable[[], Image]
    open: Callable[[Image], LinearMemory]
    guarded: bool
