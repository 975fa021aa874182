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
from collections.abc import Iterable, Sequence
from dataclasses import field

from ic_harness.lazy_dataclass import dataclass
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
            self.size, self._written(0, self.size), lambda start, end: self.read(start, end - start)
        )

    def _written(self, start: int, end: int) -> Iterable[Range]:
        """Where something may have been written from `start` to `end`, in order; all else there is zeros."""
        return [(start, end)]

    def fill(self, size: int, pieces: Iterable[Piece]) -> None:
        """Become `size` bytes that are zeros but for pieces, offset and content; the image is empty before."""
        for offset, piece in pieces:
            self._put(offset, piece)
        self.size = size

    @abstractmethod
    def _put(self, offset: int, content: bytes) -> None:
        """Overwrite a range."""

    def _put_pages(self, first: int, contents: Sequence[bytes]) -> None:
        """Overwrite consecutive pages, the first of which has this number."""
        self._put(first * PAGE, b"".join(contents))

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
        saved = mark.saved
        missing = [page for page in range(start // PAGE, end // PAGE) if page not in saved]
        for first, stop in _runs(missing):
            content = self.read(first * PAGE, (stop - first) * PAGE)
            for page in range(first, stop):
                piece = content[(page - first) * PAGE : (page - first + 1) * PAGE]
                saved[page] = None if piece == _ZEROS else piece

    def mark(self) -> MemoryCheckpoint:
        """Remember this moment."""
        new = MemoryCheckpoint(self.size)
        self.marks.append(new)
        return new

    def restore(self, mark: MemoryCheckpoint) -> list[Range]:
        """Go back to a mark; it and all others stay valid. Returns the ranges within its size that changed."""
        newest = self.marks[-1]
        wanted = mark.saved if mark is newest else self._changed_since(mark)
        last = mark.size // PAGE
        runs = _runs(sorted(page for page in wanted if page < last))
        ranges = [(start * PAGE, end * PAGE) for start, end in runs]
        if mark is not newest:  # else it has the old content of all that is about to change
            self.preserve(ranges)
            self._preserve_tail(newest, mark.size)
        for start, end in runs:
            self._put_pages(start, [wanted[page] or _ZEROS for page in range(start, end)])
        if self.size > mark.size:
            self._clear(mark.size, self.size)
        self.size = mark.size
        if mark is newest:
            mark.saved.clear()  # image and mark are equal again
        return ranges

    def _changed_since(self, mark: MemoryCheckpoint) -> dict[int, bytes | None]:
        """Return the content at a mark of the pages that were overwritten since."""
        found: dict[int, bytes | None] = {}
        for later in reversed(self.marks[self.marks.index(mark) :]):
            found.update(later.saved)
        return found

    def _preserve_tail(self, newest: MemoryCheckpoint, size: int) -> None:
        """Log what becomes zeros when the image is cut off at `size`: of it only what was ever written changes."""
        end = min(newest.size, self.size)
        if size < end:
            self.preserve(self._written(size, end))

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
