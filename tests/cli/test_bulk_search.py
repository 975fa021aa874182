"""`ic-harness bulk search` and what `bulk serve` refuses; the page itself is in tests/bulk/server."""

from __future__ import annotations

import json
import socket

import pytest

from ic_capsule.bulk import Ledger
from tests.bulk.test_search import add, picture

from .conftest import refused


@pytest.fixture
def ledger(tmp_path):
    """A ledger with two pictures of one motif and another one; returns its path."""
    path = tmp_path / "bulk.sqlite"
    with Ledger.open(path, create=True) as book:
        add(book, "harbour evening.jpg", picture(1))
        add(book, "harbour small.jpg", picture(1).resize((200, 150)))
        add(book, "mountain.jpg", picture(2))
    return path


def found(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_by_words(run, ledger):
    """All words must be there; a line a file, or JSON."""
    rows = found(run("bulk", "search", "harbour", "even", "--ledger", ledger, "--json"))
    assert [row["file"] for row in rows] == ["harbour evening.jpg"]
    assert run("bulk", "search", "mountain", "--ledger", ledger).stdout == "3 mountain.jpg (12 B)\n"
    assert found(run("bulk", "search", "desert", "--ledger", ledger, "--json")) == []


def test_by_likeness(run, ledger):
    """What looks like a file, the most alike first; and groups that look the same."""
    rows = found(run("bulk", "search", "--like", 1, "--ledger", ledger, "--json"))
    assert [row["id"] for row in rows] == [2, 3]
    assert rows[0]["score"] > 0.9 > rows[1]["score"]
    groups = found(run("bulk", "search", "--near-duplicates", "--ledger", ledger, "--json"))
    assert [[row["id"] for row in group] for group in groups] == [[1, 2]]


@pytest.mark.parametrize("asked", [[], ["word", "--like", "1"], ["--like", "99"], ["!"]])
def test_a_search_that_cannot_be(run, ledger, asked):
    """None or several ways to search, an unknown file, no word: bad input, in one line."""
    refused(run("bulk", "search", *asked, "--ledger", ledger), 2)


def test_a_port_that_is_taken(run):
    """A port that is in use is an error before anything is opened."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(run("bulk", "serve", "--port", port, "--page-only"), 2, f"port {port}")
