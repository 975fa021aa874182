"""A branch of a memory: what a view changed, shown to another view, and committed by that one or not at all."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

import pytest

from ic_harness.replica.execution import memory_mmap
from ic_harness.replica.execution.memory_copy import COPIED
from ic_harness.replica.execution.memory_mmap import MAPPED
from ic_harness.replica.execution.pages import PAGE, supported

STRATEGIES = [MAPPED, COPIED] if supported() else [COPIED]
PAGES = 40


@pytest.fixture(params=STRATEGIES, ids=lambda strategy: strategy.name)
def strategy(request):
    """Each way to hold memories that works on this system."""
    return request.param


def content(view):
    return ctypes.string_at(view.base, view.size)


def write(view, page, byte):
    ctypes.memset(view.base + page * PAGE, byte, PAGE)


def committed(strategy):
    """A view of an image of so many pages, each full of its number."""
    view = strategy.open(strategy.new_image())
    view.grow(PAGES * PAGE)
    for page in range(PAGES):
        write(view, page, page)
    view.commit()
    return view


def expected(changes, pages=PAGES):
    """The content after changes, byte by page."""
    numbers = {**dict.fromkeys(range(pages), 0), **{page: page for page in range(PAGES)}, **changes}
    return b"".join(bytes([numbers[page]]) * PAGE for page in range(pages))


def test_a_branch_shows_what_was_changed(strategy):
    """The new view shows it, and has changed nothing; the committed image and other views stay as they are."""
    old = committed(strategy)
    leaving, other = strategy.open(old.image), strategy.open(old.image)
    leaving.grow((PAGES + 3) * PAGE)
    for page in (0, 7, 8, PAGES + 1):
        write(leaving, page, 200)
    new = strategy.open(leaving.branch())
    leaving.close()
    changes = dict.fromkeys((0, 7, 8, PAGES + 1), 200)
    assert content(new) == expected(changes, PAGES + 3)
    assert new.written() == []
    assert content(other) == content(old) == old.image.read(0, old.image.size) == expected({})
    write(new, 8, 201)
    assert new.written() == [(8 * PAGE, 9 * PAGE)]
    new.rollback()
    assert content(new) == expected(changes, PAGES + 3)
    assert new.image.read(0, new.image.size) == content(new)


def test_a_commit_takes_the_branch_along(strategy):
    """Afterwards everything is committed, and the view goes on from there."""
    old = committed(strategy)
    mark = old.image.mark()
    leaving = strategy.open(old.image)
    write(leaving, 3, 200)
    new = strategy.open(leaving.branch())
    new.grow((PAGES + 1) * PAGE)
    write(new, 3, 201)
    write(new, 5, 202)
    assert new.commit() == [(3 * PAGE, 4 * PAGE), (5 * PAGE, 6 * PAGE)]
    after = expected({3: 201, 5: 202}, PAGES + 1)
    assert content(new) == new.image.read(0, new.image.size) == after
    write(new, 6, 203)
    new.rollback()
    assert content(new) == after
    write(new, 6, 203)
    assert new.commit() == [(6 * PAGE, 7 * PAGE)]
    if strategy is MAPPED:
        assert new.image is old.image
        new.image.restore(mark)
        new.rollback()
        assert content(new) == expected({})


def test_a_branch_that_is_dropped(strategy):
    """Nothing of it stays."""
    old = committed(strategy)
    leaving = strategy.open(old.image)
    write(leaving, 3, 200)
    new = strategy.open(leaving.branch())
    write(new, 4, 200)
    new.close()
    leaving.close()
    old.rollback()
    assert content(old) == expected({})


@pytest.mark.parametrize("parts", [1, 2, 5, 4096])
def test_scattered_changes(strategy, monkeypatch, parts):
    """However scattered changes are, a branch has a bounded number of parts, and shows the same."""
    monkeypatch.setattr(memory_mmap, "_PARTS", parts)
    chance = random.Random(parts)
    for _ in range(20):
        old = committed(strategy)
        leaving = strategy.open(old.image)
        changes = {page: 100 + page for page in chance.sample(range(PAGES), chance.randint(0, PAGES))}
        for page, byte in changes.items():
            write(leaving, page, byte)
        branch = leaving.branch()
        if strategy is MAPPED:
            assert len(branch.changed) <= parts
        new = strategy.open(branch)
        assert content(new) == branch.read(0, branch.size) == expected(changes)
        start, end = sorted(chance.sample(range(PAGES * PAGE), 2))
        assert branch.read(start, end - start) == content(new)[start:end]
        later = {page: 50 + page for page in chance.sample(range(PAGES), 5)}
        for page, byte in later.items():
            write(new, page, byte)
        new.commit()
        assert content(new) == new.image.read(0, new.image.size) == expected({**changes, **later})
        new.close()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not supported(), reason="needs files in memory")
def test_files_are_closed():
    """Neither a branch that was committed nor one that was dropped leaves a file open."""
    before = open_files()
    for commits in (True, False) * 5:
        old = committed(MAPPED)
        leaving = MAPPED.open(old.image)
        write(leaving, 1, 200)
        new = MAPPED.open(leaving.branch())
        if commits:
            new.commit()
        for view in (old, leaving, new):
            view.close()
        del old, leaving, new, view
    assert open_files() <= before
