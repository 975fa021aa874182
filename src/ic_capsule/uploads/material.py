"""What is stored as a blob: bytes that can be read in ranges, wherever they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol


class Material(Protocol):
    """Bytes with a known length and SHA-256. `PhotoSource` is one."""

    @property
    def size(self) -> int:
        """The length in bytes."""

    @property
    def sha256(self) -> bytes:
        """The digest, 32 bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`."""


@dataclass(frozen=True)
class InMemory:
    """Bytes held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.data)

    @cached_property
    def sha256(self) -> bytes:
        """The digest, 32 bytes."""
        return hashlib.sha256(self.data).digest()

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`."""
        return self.data[offset : offset + length]
