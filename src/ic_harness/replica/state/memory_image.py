"""The memory of a canister as values: what a snapshot or a checkpoint keeps of it.

Canisters grow memories by gigabytes and write a few bytes, so a memory is held as its pages that are not zero.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final

from ic_harness.lazy_dataclass import dataclass

PAGE: Final = 4096
"""Bytes of a page: zeros are left out by whole pages."""
SEGMENT: Final = 1 << 16
"""Bytes that are looked at together; no piece reaches over a multiple of it."""
_ZEROS: Final = bytes(SEGMENT)
_BLOCK_OF_ZEROS: Final = bytes(1 << 20)

Range = tuple[int, int]
"""Start and end (exclusive), in bytes."""
Piece = tuple[int, bytes]
"""Where content begins, in bytes, and the content."""


@dataclass(frozen=True, slots=True)
class SparseBytes:
    """Bytes that are zeros but for `pieces`, which are in order and apart, none of them over the border of a segment.

    A piece is as long a run of pages as there is without a page of zeros, so equal bytes have equal pieces.
    """

    size: int
    pieces: tuple[Piece, ...] = ()

    @classmethod
    def of(cls, content: bytes) -> SparseBytes:
        """Make them of plain bytes."""
        return cls.gather(len(content), [(0, len(content))], lambda start, end: content[start:end])

    @classmethod
    def gather(cls, size: int, ranges: Iterable[Range], read: Callable[[int, int], bytes]) -> SparseBytes:
        """Make them of what `read` gives from a start to an end; all but the ranges, which are in order, is zeros."""
        pieces: list[Piece] = []
        for start, end in segments(ranges, size):
            pieces += nonzero(start, read(start, end))
        return cls(size, tuple(pieces))

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return self.part(0, self.size)

    def part(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from an offset on; fewer only at the end."""
        size = max(0, min(size, self.size - offset))
        found = bytearray(size)
        for start, piece in self.pieces[bisect_right(self.pieces, offset - SEGMENT, key=itemgetter(0)) :]:
            if start >= offset + size:
                break
            cut = piece[max(0, offset - start) : offset + size - start]
            at = max(0, start - offset)
            found[at : at + len(cut)] = cut
        return bytes(found)

    def sha256(self) -> bytes:
        """The SHA-256 of all bytes, zeros too."""
        return sha256(self.pieces, self.size)


@dataclass(frozen=True, slots=True)
class StateImage:
    """The whole content of a canister: memories in bytes, globals as the bits of their values."""

    heap: SparseBytes
    stable: SparseBytes
    globals: tuple[int, ...]


class Assembly:
    """Bytes that are put together of pieces, later ones over earlier ones; what no piece reaches is zeros."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._segments: dict[int, bytes | bytearray] = {}

    def put(self, offset: int, content: bytes) -> None:
        """Put a piece in; it ends within `size`."""
        done = 0
        while done < len(content):
            number, at = divmod(offset + done, SEGMENT)
            part = content[done : done + SEGMENT - at]
            done += len(part)
            self._put(number, at, part)

    def _put(self, number: int, at: int, part: bytes) -> None:
        segment = self._segments.get(number)
        if segment is None and part == _ZEROS[: len(part)]:
            return
        length = min(SEGMENT, self.size - number * SEGMENT)
        if len(part) == length:
            self._segments[number] = part  # not copied: most of a memory that is in use
            return
        if not isinstance(segment, bytearray):
            segment = self._segments[number] = bytearray(length if segment is None else segment)
        segment[at : at + len(part)] = part

    def take(self) -> SparseBytes:
        """Return the whole; the assembly is empty afterwards."""
        pieces: list[Piece] = []
        for number in sorted(self._segments):
            pieces += nonzero(number * SEGMENT, bytes(self._segments.pop(number)))
        return SparseBytes(self.size, tuple(pieces))


def segments(ranges: Iterable[Range], size: int) -> Iterator[Range]:
    """The segments in which ranges lie, each once; ranges are in order, the last segment ends at `size`."""
    after = 0
    for start, end in ranges:
        first = max(after, start // SEGMENT)
        after = max(first, -(-min(end, size) // SEGMENT))
        for number in range(first, after):
            yield number * SEGMENT, min((number + 1) * SEGMENT, size)


def nonzero(offset: int, content: bytes) -> list[Piece]:
    """Return the runs of pages that are not zero; content lies within a segment and begins with a page."""
    length = len(content)
    if content == _ZEROS[:length]:
        return []
    pieces: list[Piece] = []
    begun = -1
    for at in range(0, length, PAGE):
        page = content[at : at + PAGE]
        if page == _ZEROS[: len(page)]:
            if begun >= 0:
                pieces.append((offset + begun, content[begun:at]))
            begun = -1
        elif begun < 0:
            begun = at
    if begun >= 0:
        pieces.append((offset + begun, content[begun:]))
    return pieces


def sha256(pieces: Iterable[Piece], size: int) -> bytes:
    """The SHA-256 of `size` bytes that are zeros but for pieces."""
    hasher = hashlib.sha256()
    done = 0
    for offset, piece in pieces:
        _add_zeros(hasher, offset - done)
        hasher.update(piece)
        done = offset + len(piece)
    _add_zeros(hasher, size - done)
    return hasher.digest()


def _add_zeros(hasher: hashlib._Hash, length: int) -> None:
    for _ in range(length // len(_BLOCK_OF_ZEROS)):
        hasher.update(_BLOCK_OF_ZEROS)
    hasher.update(memoryview(_BLOCK_OF_ZEROS)[: length % len(_BLOCK_OF_ZEROS)])
