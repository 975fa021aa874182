"""Linear memories as copy-on-write views of files in memory (Linux).

See pages.py for what the kernel does.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from ctypes import memmove

from ic_harness import portable_files

from . import pages
from .committed_memory import Image
from .memory import GUARD, RESERVATION, LinearMemory, Strategy
from .pages import PAGE, Range

_BATCH = 1024
"""Most buffers that the kernel writes by one call."""


class MappedImage(Image):
    """Committed content in a file in memory; `capacity` is the length of the sparse file."""

    def __init__(self) -> None:
        super().__init__()
        self.capacity = RESERVATION + GUARD
        self.descriptor = pages.new_file(self.capacity)
        self._finalizer = weakref.finalize(self, os.close, self.descriptor)
        self._finalizer.atexit = False  # Wasm may still run then; the system closes it soon

    def extend(self, capacity: int) -> None:
        """Make the file long enough for a view of `capacity` bytes."""
        if capacity > self.capacity:
            os.ftruncate(self.descriptor, capacity)
            self.capacity = capacity

    def read(self, offset: int, length: int) -> bytes:
        """Content of a range within `size`."""
        return _read_all(self.descriptor, offset, length)

    def _written(self, start: int, end: int) -> Iterable[Range]:
        return portable_files.data_ranges(self.descriptor, end, start)

    def _put(self, offset: int, content: bytes) -> None:
        _write_all(self.descriptor, offset, content)

    def _put_pages(self, first: int, contents: Sequence[bytes]) -> None:
        for done in range(0, len(contents), _BATCH):
            _write_pages(self.descriptor, (first + done) * PAGE, contents[done : done + _BATCH])

    def _clear(self, start: int, end: int) -> None:
        pages.punch(self.descriptor, start, end)


class MappedMemory(LinearMemory):
    """A private mapping of an image."""

    image: MappedImage

    def __init__(self, image: MappedImage) -> None:
        super().__init__(image)
        self._map(max(RESERVATION, image.size))
        self.size = 0
        self._resize(image.size)

    def _map(self, capacity: int) -> None:
        self._capacity = capacity
        length = capacity + GUARD
        self.image.extend(length)
        self.base = pages.view(self.image.descriptor, length)
        self._finalizer = weakref.finalize(self, pages.release, self.base, length)
        self._finalizer.atexit = False  # Wasm may still run then

    @property
    def capacity(self) -> int:
        """Bytes that the memory can grow to without moving."""
        return self._capacity

    def _resize(self, size: int) -> None:
        if size > self.size:
            pages.allow(self.base + self.size, size - self.size)
        else:
            pages.forbid(self.base + size, self.size - size)
        self.size = size

    def grow(self, size: int) -> bool:
        """Make the memory `size` bytes long, new bytes zero; False when the system has no room."""
        try:
            if size > self._capacity:
                self._move(size)
            self._resize(size)
        except OSError:
            return False
        return True

    def _move(self, size: int) -> None:
        """Map a larger view.

        Only memories with 64-bit indices get here, for them the engine asks for the base anew.
        """
        old_base, old_size, release = self.base, self.size, self._finalizer
        self._map(max(size, 2 * self._capacity))
        self.size = 0
        self._resize(old_size)
        for start, end in pages.written_ranges(old_base, old_size):
            memmove(self.base + start, old_base + start, end - start)
        release()

    def written(self) -> list[Range]:
        """What was changed since the last commit (byte offsets, whole pages)."""
        return pages.written_ranges(self.base, self.size)

    def commit(self) -> list[Range]:
        """Write what was changed into the image; returns the ranges (byte offsets)."""
        changed = self.written()
        if self.image.marks:
            self.image.preserve(changed)
        for start, end in changed:
            pages.write_out(self.image.descriptor, self.base + start, end - start, start)
            pages.discard(self.base + start, end - start)
        self.image.size = self.size
        return changed

    def rollback(self) -> None:
        """Show the image again, content and size."""
        pages.discard(self.base, self.size)
        if self.size != self.image.size:
            if self.image.size > self._capacity:
                self._finalizer()
                self._map(self.image.size)
                self.size = 0
            self._resize(self.image.size)

    def close(self) -> None:
        """Release the address space."""
        self._finalizer()


def _read_all(descriptor: int, offset: int, length: int) -> bytes:
    content = os.pread(descriptor, length, offset)
    if len(content) == length:
        return content
    parts = [content]
    while (done := sum(map(len, parts))) < length:
        parts.append(os.pread(descriptor, length - done, offset + done))
    return b"".join(parts)


def _write_all(descriptor: int, offset: int, content: bytes) -> None:
    done = os.pwrite(descriptor, content, offset)
    while done < len(content):
        done += os.pwrite(descriptor, memoryview(content)[done:], offset + done)


def _write_pages(descriptor: int, offset: int, contents: Sequence[bytes]) -> None:
    done = os.pwritev(descriptor, contents, offset)  # not joined first: of megabytes that takes longer
    if done < len(contents) * PAGE:
        _write_all(descriptor, offset + done, b"".join(contents)[done:])


def _open(image: Image) -> LinearMemory:
    if not isinstance(image, MappedImage):
        raise TypeError("a mapped memory needs a mapped image")
    return MappedMemory(image)


MAPPED = Strategy("mapped", MappedImage, _open, guarded=True)
