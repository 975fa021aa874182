"""`ic-harness list` and `delete` on the embedded network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

import pytest

from ic_capsule.backend import Backend
from ic_capsule.cli.memories import pages
from ic_harness.errors import UploadError

from .conftest import refused


@pytest.fixture
def stored(run, photo, tmp_path):
    """A stored photo and a stored note, as their JSON objects."""
    (tmp_path / "note.txt").write_text("a note")
    result = run("upload", photo, tmp_path / "note.txt", "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def listed(run):
    """The memory ids that `list --json` prints."""
    result = run("list", "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line)["memory_id"] for line in result.stdout.splitlines()]


def test_list(run, stored):
    """Each memory is an object, oldest first, and a row of the table."""
    assert listed(run) == [one["memory_id"] for one in stored]
    table = run("list")
    assert table.exit_code == 0, table.stderr
    assert stored[0]["capsule_id"] in table.stdout
    assert all(kind in table.stdout for kind in ("Image", "Note"))


@pytest.mark.parametrize("command", [("list",), ("download", "--all", "-o", "photos")])
def test_callers_without_a_capsule(run, command):
    """Who has stored nothing is told what to do, with status 1."""
    assert run("deploy").exit_code == 0
    refused(run(*command), 1, "this caller has no capsule", "ic-harness upload", "--capsule")


def test_delete(run, stored, tmp_path):
    """A deleted memory is gone with its blobs; one that does not exist is named, and the others are deleted."""
    first, second = (one["memory_id"] for one in stored)
    result = run("delete", "mem\x1b[2Jnone", first, first, "--yes", "--json")
    assert result.exit_code == 1
    failed, deleted = (json.loads(line) for line in result.stdout.splitlines())
    assert (failed["deleted"], failed["exit_status"]) == (False, 1)
    assert deleted == {"memory_id": first, "deleted": True}
    assert "\x1b" not in result.stderr
    assert listed(run) == [second]
    refused(run("download", stored[0]["assets"][0]["locator"], "-o", tmp_path / "out"), 1)


def test_delete_asks(run, stored):
    """Without `--yes` and without an answer nothing is deleted."""
    result = run("delete", stored[0]["memory_id"])
    assert result.exit_code == 1
    assert "Delete 1 memory with its assets?" in result.stderr
    assert len(listed(run)) == 2


class Endless:
    """A backend whose list repeats its cursor."""

    def memories_list(self, *_):
        return type("Page", (), {"items": ["row"], "next_cursor": "again"})()


def test_a_list_without_end():
    """A cursor that comes again ends the list with an error."""
    found: Iterator[object] = pages(cast("Backend", Endless()), "capsule")
    assert [next(found), next(found)] == ["row", "row"]
    with pytest.raises(UploadError, match="again"):
        next(found)
