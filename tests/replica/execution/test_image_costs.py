"""What a committed image reads and writes to log a change and to go back: the pages that changed, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from ic_harness.replica.execution.memory_copy import CopiedImage
from ic_harness.replica.execution.memory_mmap import MappedImage
from ic_harness.replica.execution.pages import PAGE, supported


def counting(kind: Any) -> Any:
    """A kind of image that counts the pages it reads and writes, and notes what it clears or searches for content."""

    class Counting(kind):  # type: ignore[misc]  # of any kind
        def __init__(self) -> None:
            super().__init__()
            self.forget_counts()

        def forget_counts(self) -> None:
            self.read_pages = self.written_pages = 0
            self.cleared: list[tuple[int, int]] = []
            self.searched: list[tuple[int, int]] = []

        def read(self, offset, length):
            self.read_pages += length // PAGE
            return super().read(offset, length)

        def _put(self, offset, content):
            self.written_pages += len(content) // PAGE
            super()._put(offset, content)

        def _put_pages(self, first, contents):
            before = self.written_pages
            super()._put_pages(first, contents)
            self.written_pages = before + len(contents)  # whether by `_put` or not

        def _clear(self, start, end):
            self.cleared.append((start // PAGE, end // PAGE))
            super()._clear(start, end)

        def _written(self, start, end):
            self.searched.append((start // PAGE, end // PAGE))
            return super()._written(start, end)

    return Counting


KINDS = [CopiedImage, MappedImage] if supported() else [CopiedImage]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def image(request):
    """An image of 100 pages, each of them written, whose counts begin at zero."""
    image = counting(request.param)()
    write(image, *range(100))
    image.forget_counts()
    return image


def write(image, *pages, value=1):
    for page in pages:
        image.write(page * PAGE, bytes([value]) * PAGE)


def test_going_back_copies_what_changed(image):
    """Of three changed pages three are written; none is read, and nothing else of the image is looked at."""
    mark = image.mark()
    write(image, 3, 4, 90, value=2)
    image.forget_counts()
    assert image.restore(mark) == [(3 * PAGE, 5 * PAGE), (90 * PAGE, 91 * PAGE)]
    assert (image.read_pages, image.written_pages) == (0, 3)
    assert not image.cleared
    assert not image.searched
    assert image.read(0, image.size) == b"\1" * image.size


def test_going_back_from_nothing_touches_nothing(image):
    """A restore that has nothing to undo reads and writes nothing, also when it comes after one that had."""
    mark = image.mark()
    write(image, 3, value=2)
    image.restore(mark)
    image.forget_counts()
    assert image.restore(mark) == []
    assert (image.read_pages, image.written_pages) == (0, 0)
    assert not image.cleared
    assert not image.searched


def test_what_was_added_is_cut_off(image):
    """Pages beyond the size at the mark become zeros without being read, searched or written."""
    mark = image.mark()
    write(image, *range(100, 200))
    image.forget_counts()
    assert image.restore(mark) == []
    assert (image.read_pages, image.written_pages) == (0, 0)
    assert image.cleared == [(100, 200)]
    assert not image.searched


def test_a_page_is_logged_once(image):
    """A page that was overwritten since the mark is not read when it is overwritten again."""
    image.mark()
    write(image, 3, 5)
    assert image.read_pages == 2
    image.write(2 * PAGE, b"\2" * 5 * PAGE)
    assert image.read_pages == 2 + 3


def test_going_back_further_logs_what_the_newest_mark_lacks(image):
    """Going back past a newer mark reads what that one has not logged, and searches what is cut off only."""
    older = image.mark()
    write(image, 3, *range(100, 120), value=2)
    newer = image.mark()
    write(image, 3, 4, value=3)
    image.forget_counts()
    image.restore(older)
    assert (image.read_pages, image.written_pages) == (
        20,
        2,
    )  # both pages are in the log already: only what is cut off is not
    assert image.searched == [(100, 120)]
    image.restore(newer)
    assert image.read(3 * PAGE, 2 * PAGE) == b"\2" * PAGE + b"\1" * PAGE
    assert image.read(100 * PAGE, 20 * PAGE) == b"\2" * 20 * PAGE


def test_more_pages_than_one_call_writes(image):
    """A long run of pages that differ from each other is brought back whole."""
    write(image, *range(3000), value=7)
    before = b"".join(page.to_bytes(2, "little") * (PAGE // 2) for page in range(3000))
    image.write(0, before)
    mark = image.mark()
    write(image, *range(3000), value=9)
    image.restore(mark)
    assert image.read(0, image.size) == before
