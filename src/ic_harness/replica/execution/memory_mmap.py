"""Linear memories as copy-on-write views of files in memory (Linux).

See pages.py for what the kernel does.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Iterable, Sequence
from ctypes import memmove
from typing import final

from ic_harness import portable_files

from . import pages
from .committed_memory import Image
from .memory import GUARD, RESERVATION, LinearMemory, Strategy
from .pages import PAGE, Range

_BATCH = 1024
"""Most buffers that the kernel writes by one call."""
_PARTS = 4096
"""Most parts of a branch, each of which is a mapping of its own: a process may have 65,530 of them."""


class MappedImage(Image):
    """Committed content in a file in memory; `capacity` is the length of the sparse file."""

    def __init__(self) -> None:
        super().__init__()
        self.capacity = RESERVATION + GUARD
        self.descriptor = pages.new_file(self.capacity)
        self._finalizer = weakref.finalize(self, pages.close_file, self.descriptor)
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

    def view(self, length: int) -> int:
        """Map the image copy-on-write, with no access yet; returns the address."""
        self.extend(length)
        return pages.view(self.descriptor, length)


@final
class Branch(Image):
    """What a view changed of a committed image and did not commit: its pages in a file of their own, the others there.

    Another view shows both, and when it commits, all of it goes into the committed image.
    """

    def __init__(self, base: MappedImage, view: MappedMemory) -> None:
        super().__init__()
        self.base = base
        self.size = view.size
        self.changed = tuple(_joined(view.written(), _PARTS))
        self._descriptor = pages.new_file(view.size)
        self._finalizer = weakref.finalize(self, pages.close_file, self._descriptor)
        self._finalizer.atexit = False  # as of a mapped image
        for start, end in self.changed:
            pages.write_out(self._descriptor, view.base + start, end - start, start)

    def view(self, length: int) -> int:
        """Map the branch copy-on-write, with no access yet; returns the address."""
        address = self.base.view(length)
        for start, end in self.changed:
            pages.replace(address + start, end - start, self._descriptor, start)
        return address

    def read(self, offset: int, length: int) -> bytes:
        """Content of a range within `size`."""
        end = offset + length
        content = bytearray(_read_all(self.base.descriptor, offset, length))
        for start, until in self.changed:
            first, last = max(start, offset), min(until, end)
            if first < last:
                content[first - offset : last - offset] = _read_all(self._descriptor, first, last - first)
        return bytes(content)

    def _put(self, offset: int, content: bytes) -> None:
        raise TypeError(f"a branch is not written ({len(content)} bytes at {offset}): its view commits")

    def _clear(self, start: int, end: int) -> None:
        raise TypeError(f"a branch is not cut off ({start} to {end})")

    def close(self) -> None:
        """Release the file."""
        self._finalizer()


class MappedMemory(LinearMemory):
    """A private mapping of an image, or of a branch of one."""

    image: MappedImage | Branch

    def __init__(self, image: MappedImage | Branch) -> None:
        super().__init__(image)
        self._map(max(RESERVATION, image.size))
        self.size = 0
        self._resize(image.size)

    def _map(self, capacity: int) -> None:
        self._capacity = capacity
        length = capacity + GUARD
        self.base = self.image.view(length)
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
        if type(self.image) is Branch:  # `isinstance` of an abstract class takes ten times as long
            return self._merge(self.image)
        changed = self.written()
        if self.image.marks:
            self.image.preserve(changed)
        for start, end in changed:
            pages.write_out(self.image.descriptor, self.base + start, end - start, start)
            pages.discard(self.base + start, end - start)
        self.image.size = self.size
        return changed

    def _merge(self, branch: Branch) -> list[Range]:
        """Write a branch and what was changed since into its base, and show that; returns what was changed since."""
        changed, image = self.written(), branch.base
        everything = _joined(sorted([*branch.changed, *changed]))
        image.preserve(everything)
        for start, end in everything:
            pages.write_out(image.descriptor, self.base + start, end - start, start)
        image.size = self.size
        self.image = image
        pages.replace(self.base, self._capacity + GUARD, image.descriptor, 0)
        pages.allow(self.base, self.size)
        branch.close()
        return changed

    def branch(self) -> Image:
        """An image of what the view shows now; what is not changed in it is not copied."""
        assert isinstance(self.image, MappedImage), "bug: a branch has no branches"
        return Branch(self.image, self)

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


def _joined(ranges: Sequence[Range], parts: int | None = None) -> list[Range]:
    """Join ranges, which are in order: those that touch, and the nearest where they are more than `parts`."""
    gap = 0
    if parts is not None and len(ranges) > parts:
        gap = sorted(after[0] - before[1] for before, after in itertools.pairwise(ranges))[-parts]
    joined: list[Range] = []
    for start, end in ranges:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _open(image: Image) -> LinearMemory:
    if not isinstance(image, MappedImage | Branch):
        raise TypeError("a mapped memory needs a mapped image")
    return MappedMemory(image)


MAPPED = Strategy("mapped", MappedImage, _open, guarded=True)
