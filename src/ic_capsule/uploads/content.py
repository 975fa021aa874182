"""Byte sources: the content of a blob, which can be read in ranges, on disk or in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol


class ByteSource(Protocol):
    """Bytes with a known length and SHA-256. `FileSource` and `InMemory` implement it."""

    @property
    def size(self) -> int:
        """The length in bytes."""

    @property
    def sha256(self) -> bytes:
        """The digest, 32 bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`."""


@dataclass(frozen=True)
class InMemory:
    """Bytes in memory."""

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
        """Return `length` bytes from `offset`."""
        return self.data[offset : offset + length]
