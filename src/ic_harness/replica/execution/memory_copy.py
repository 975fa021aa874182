"""Linear memories as plain buffers beside a committed copy: for every system, at a price."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

from .committed_memory import Image
from .memory import LinearMemory, Strategy
from .pages import PAGE, Range

_SLACK = 1 << 20


class CopiedImage(Image):
    """Committed content in a byte array."""

    def __init__(self) -> None:
        super().__init__()
        self._content = bytearray()

    def read(self, offset: int, length: int) -> bytes:
        """Content of a range within `size`."""
        piece = bytes(self._content[offset : offset + length])
        return piece + bytes(length - len(piece))

    def _written(self, start: int, end: int) -> Iterable[Range]:
        stop = min(end, len(self._content))
        return [(start, stop)] if start < stop else []

    def _put(self, offset: int, content: bytes) -> None:
        end = offset + len(content)
        if end > len(self._content):
            self._content.extend(bytes(end - len(self._content)))
        self._content[offset:end] = content

    def _clear(self, start: int, end: int) -> None:
        stop = min(end, len(self._content))
        if end >= len(self._content):
            del self._content[start:]
        else:
            self._content[start:stop] = bytes(max(0, stop - start))


class CopiedMemory(LinearMemory):
    """A buffer of its own.

    Growing may move it, so code must check bounds itself (`Strategy.guarded` is false).
    """

    def __init__(self, image: Image) -> None:
        super().__init__(image)
        self.size = 0
        self._buffer = ctypes.create_string_buffer(1)
        self._allocate(image.size)
        self.rollback()

    def _allocate(self, size: int) -> None:
        length = size + max(_SLACK, size // 4)
        buffer = ctypes.create_string_buffer(length)
        if self.size:
            ctypes.memmove(buffer, self._buffer, self.size)
        self._buffer = buffer
        self._length = length
        self.base = ctypes.addressof(buffer)

    @property
    def capacity(self) -> int:
        """Bytes that the memory can grow to without moving."""
        return self._length

    def grow(self, size: int) -> bool:
        """Make the memory `size` bytes long, new bytes zero; False when the system has no room."""
        if size > self._length:
            try:
                self._allocate(size)
            except MemoryError:
                return False
        self.size = size
        return True

    def written(self) -> list[Range]:
        """What was changed since the last commit (byte offsets, whole pages)."""
        old = self.image.read(0, self.image.size)
        new = ctypes.string_at(self.base, self.size)
        blank = bytes(PAGE)
        changed: list[Range] = []
        for start in range(0, self.size, PAGE):
            if new[start : start + PAGE] != (old[start : start + PAGE] or blank):
                joined = changed.pop()[0] if changed and changed[-1][1] == start else start
                changed.append((joined, start + PAGE))
        return changed

    def commit(self) -> list[Range]:
        """Write what was changed into the image; returns the ranges (byte offsets)."""
        changed = self.written()
        for start, end in changed:
            self.image.write(start, ctypes.string_at(self.base + start, end - start))
        self.image.size = self.size
        return changed

    def rollback(self) -> None:
        """Show the image again, content and size."""
        size = self.image.size
        if size > self._length:
            self._allocate(size)
        content = self.image.read(0, size)
        ctypes.memmove(self.base, content, size)
        ctypes.memset(self.base + size, 0, max(0, self.size - size))
        self.size = size

    def branch(self) -> Image:
        """A copy of what the buffer shows now."""
        copy = CopiedImage()
        copy.fill(self.size, [(0, ctypes.string_at(self.base, self.size))])
        return copy

    def close(self) -> None:
        """Release the buffer."""
        self._buffer = ctypes.create_string_buffer(1)
        self._length = self.size = 0


COPIED = Strategy("copied", CopiedImage, CopiedMemory, guarded=False)
