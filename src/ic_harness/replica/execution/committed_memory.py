"""The committed content of one linear memory, with cheap marks to go back to.

Theory of operation. An image is a sparse array of pages. A *mark* remembers the image as it was when the
mark was set by an undo log: the first time that a page is overwritten after the newest mark was set, its
old content goes into that mark's log. The content at mark k is therefore, for each page, the first entry
found in the logs of marks k, k+1, … up to the newest, else the image itself. Going back is one more change
of the image, logged in the newest mark as any other, so marks newer than the target stay valid. Dropping a
mark hands its log down to the mark before it. Setting a mark costs nothing; commits pay for pages they
touch first; going back pays for pages touched since.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from ic_harness.replica.state.memory_image import Piece, SparseBytes

from .pages import PAGE, Range

_ZEROS = bytes(PAGE)


@dataclass(eq=False, slots=True)
class MemoryCheckpoint:
    """A moment of an image: its size in bytes then, and old content by page number (None = zeros)."""

    size: int
    saved: dict[int, bytes | None] = field(default_factory=dict)


class Image(ABC):
    """Committed content; `size` in bytes, a multiple of the page size."""

    def __init__(self) -> None:
        self.size = 0
        self.marks: list[MemoryCheckpoint] = []
        """Moments that can be gone back to, the oldest first."""

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """Content of a range within `size`."""

    def export(self) -> SparseBytes:
        """All content; what was never written takes no room."""
        return SparseBytes.gather(
            self.size, self._written(self.size), lambda start, end: self.read(start, end - start)
        )

    def _written(self, end: int) -> Iterable[Range]:
        """Where something may have been written before `end`, in order; all else is zeros."""
        return [(0, end)]

    def fill(self, size: int, pieces: Iterable[Piece]) -> None:
        """Become `size` bytes that are zeros but for pieces, offset and content; the image is empty before."""
        for offset, piece in pieces:
            self._put(offset, piece)
        self.size = size

    @abstractmethod
    def _put(self, offset: int, content: bytes) -> None:
        """Overwrite a range."""

    @abstractmethod
    def _clear(self, start: int, end: int) -> None:
        """Turn a range into zeros."""

    def write(self, offset: int, content: bytes) -> None:
        """Overwrite whole pages from `offset` on; the image grows when they lie beyond its end."""
        end = offset + len(content)
        self.preserve([(offset, end)])
        self._put(offset, content)
        self.size = max(self.size, end)

    def preserve(self, ranges: Iterable[Range]) -> None:
        """Log the content of ranges that are about to be overwritten, if a mark needs it."""
        if not self.marks:
            return
        newest = self.marks[-1]
        for start, until in ranges:
            end = min(until, newest.size)
            self._save(newest, start, min(end, self.size))
            # The image grows again to where the mark had it: what was ever written there was saved when it was cut off.
            for page in range(max(start, self.size) // PAGE, end // PAGE):
                newest.saved.setdefault(page, None)

    def _save(self, mark: MemoryCheckpoint, start: int, end: int) -> None:
        if end <= start:
            return
        content = self.read(start, end - start)
        for offset in range(0, end - start, PAGE):
            page = (start + offset) // PAGE
            if page not in mark.saved:
                piece = content[offset : offset + PAGE]
                mark.saved[page] = None if piece == _ZEROS else piece

    def mark(self) -> MemoryCheckpoint:
        """Remember this moment."""
        new = MemoryCheckpoint(self.size)
        self.marks.append(new)
        return new

    def restore(self, mark: MemoryCheckpoint) -> list[Range]:
        """Go back to a mark; it and all others stay valid. Returns the ranges within its size that changed."""
        position = self.marks.index(mark)
        wanted: dict[int, bytes | None] = {}
        for later in reversed(self.marks[position:]):
            wanted.update(later.saved)
        last = mark.size // PAGE
        pages = sorted(page for page in wanted if page < last)
        self.preserve((start * PAGE, end * PAGE) for start, end in _runs(pages))
        # What is cut off becomes zeros: of it only what was ever written is another then.
        self.preserve((max(start, mark.size), end) for start, end in self._written(self.size))
        for start, end in _runs(pages):
            self._put(start * PAGE, b"".join(wanted[page] or _ZEROS for page in range(start, end)))
        self._clear(mark.size, max(self.size, mark.size))
        self.size = mark.size
        if mark is self.marks[-1]:
            mark.saved.clear()  # image and mark are equal again
        return [(start * PAGE, end * PAGE) for start, end in _runs(pages)]

    def forget(self, mark: MemoryCheckpoint) -> None:
        """Drop a mark; an unknown one is ignored."""
        if mark not in self.marks:
            return
        position = self.marks.index(mark)
        del self.marks[position]
        if position:
            before = self.marks[position - 1]
            limit = before.size // PAGE
            for page, content in mark.saved.items():
                if page < limit:
                    before.saved.setdefault(page, content)


def _runs(pages: list[int]) -> list[Range]:
    """Consecutive page numbers joined into (first, last + 1)."""
    runs: list[Range] = []
    for page in pages:
        if runs and runs[-1][1] == page:
            runs[-1] = (runs[-1][0], page + 1)
        else:
            runs.append((page, page + 1))
    return runs
