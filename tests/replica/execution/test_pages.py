"""What the kernel says about written pages, by both of its interfaces."""

from __future__ import annotations

import ctypes
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ic_harness.replica.execution import pages
from ic_harness.replica.execution.committed_memory import MemoryCheckpoint
from ic_harness.replica.execution.memory_mmap import MappedImage

pytestmark = pytest.mark.skipif(
    not pages.supported(), reason="this system has no copy-on-write views to ask about"
)
COUNT = 64


@pytest.fixture
def view():
    """The address of a view of 64 pages whose file holds a one in every page."""
    length = COUNT * pages.PAGE
    descriptor = pages.new_file(length)
    os.pwrite(descriptor, b"\x01" * length, 0)
    address = pages.view(descriptor, length)
    pages.allow(address, length)
    yield address
    pages.release(address, length)
    os.close(descriptor)


def joined(written: set[int]) -> list[pages.Range]:
    """Page numbers as ranges of bytes."""
    starts = sorted(page for page in written if page - 1 not in written)
    ends = sorted(page + 1 for page in written if page + 1 not in written)
    return [(start * pages.PAGE, end * pages.PAGE) for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("can_scan", [True, False], ids=["ioctl", "pagemap"])
def test_written_pages_are_found(view, can_scan, monkeypatch):
    """Written pages are found, pages only read are not, and discarding shows the file again."""
    monkeypatch.setattr(pages._kernel(), "can_scan", can_scan)
    written = {0, 1, 2, 7, 40, 41, 63}
    for page in range(COUNT):
        ctypes.string_at(view + page * pages.PAGE, 1)
    for page in written:
        ctypes.memset(view + page * pages.PAGE + 5, 9, 1)
    assert pages.written_ranges(view, COUNT * pages.PAGE) == joined(written)
    pages.discard(view, COUNT * pages.PAGE)
    assert pages.written_ranges(view, COUNT * pages.PAGE) == []
    assert ctypes.string_at(view + 5, 1) == b"\x01"


def test_many_ranges(view):
    """More ranges than fit into one answer of the kernel are all found."""
    length = 4096 * pages.PAGE
    descriptor = pages.new_file(length)
    address = pages.view(descriptor, length)
    pages.allow(address, length)
    for page in range(0, 4096, 2):
        ctypes.memset(address + page * pages.PAGE, 1, 1)
    assert pages.written_ranges(address, length) == joined(set(range(0, 4096, 2)))
    pages.release(address, length)
    os.close(descriptor)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 9), st.integers(1, 255)),
        st.tuples(st.sampled_from(["mark", "restore", "forget"]), st.integers(0, 3), st.just(0)),
    ),
    max_size=40,
)


CUT_OFF = [
    ("mark", 0, 0), ("write", 1, 1), ("mark", 0, 0), ("restore", 0, 0), ("write", 0, 1), ("restore", 1, 0),
]  # fmt: skip
"""Page 0 was never written at the second mark, is cut off by going back to the first, and written then."""


class Images:
    """An image with marks, and what a plain copy at each mark says."""

    def __init__(self) -> None:
        self.image, self.plain = MappedImage(), b""
        self.marks: list[tuple[MemoryCheckpoint, bytes]] = []

    def write(self, page: int, value: int) -> None:
        content = bytes([value]) * pages.PAGE
        start = page * pages.PAGE
        self.image.write(start, content)
        self.plain = self.plain.ljust(start, b"\0")[:start] + content + self.plain[start + pages.PAGE :]

    def mark(self, *_: int) -> None:
        self.marks.append((self.image.mark(), self.plain))

    def restore(self, index: int, _: int) -> None:
        if self.marks:
            mark, self.plain = self.marks[index % len(self.marks)]
            self.image.restore(mark)

    def forget(self, index: int, _: int) -> None:
        if self.marks:
            self.image.forget(self.marks.pop(index % len(self.marks))[0])


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
@example(steps=CUT_OFF)
def test_marks_bring_back_what_was(steps):
    """Whatever is written, marked, restored and forgotten: the image is what plain copies say."""
    images = Images()
    for name, first, second in steps:
        getattr(images, name)(first, second)
        assert images.image.read(0, images.image.size) == images.plain
