"""`ic-harness bulk`: add, run, status, retry, report; what a person and a script see."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ic_capsule.uploads import sample_photo
from ic_harness.cli.main import commands


@pytest.fixture
def state(tmp_path):
    """A state folder, and a folder with two photos and one that is none."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        (photos / f"{number}.jpg").write_bytes(sample_photo() + bytes([number]))
    (photos / "broken.jpg").write_bytes(b"no image")
    return tmp_path / "state"


@pytest.fixture
def bulk(state):
    """Run a command of `bulk` on that folder: exit status, standard output, standard error."""

    def run(command, *arguments):
        return CliRunner().invoke(
            commands,
            ["bulk", command, *map(str, arguments), "--state-dir", str(state)],
            standalone_mode=False,
        )

    return run


def test_a_whole_run(bulk, state, tmp_path):
    """Listed, run, one dead letter with its reason; exit status 1 because something failed for good."""
    assert "3 new" in bulk("add", tmp_path / "photos").output
    ran = bulk("run", "--until", "process")
    assert "Uploading 2/3" in ran.stderr
    assert "1 failed" in ran.stderr
    status = json.loads(bulk("status", "--json").stdout)
    assert (status["uploaded"], status["processed"], status["failed"]) == (2, 2, 1)
    (letter,) = status["failures"]
    assert (letter["file"], letter["class"]) == ("broken.jpg", "invalid")
    assert "broken.jpg" in bulk("status").output


def test_retry(bulk, tmp_path):
    """By class, by id, or all; without any it is said what to name."""
    bulk("add", tmp_path / "photos")
    assert "name files" in bulk("retry").output
    assert bulk("retry", "--class", "network").output.startswith("0 ")
    assert bulk("retry", "--class", "invalid").output.startswith("1 ")


def test_dry_run_sends_nothing(bulk, state, tmp_path):
    """It foretells what the run would do, and makes no network."""
    bulk("add", tmp_path / "photos")
    plan = json.loads(bulk("run", "--dry-run", "--json").stdout)
    assert (plan["files"], plan["to_process"], plan["dead_letters"]) == (2, 2, 1)
    assert [path.name for path in state.iterdir() if path.name != "bulk.sqlite"] == []


def test_report(bulk, tmp_path):
    """One HTML file with the failures; names are escaped."""
    (tmp_path / "photos" / "<b>.jpg").write_bytes(b"no image")
    bulk("add", tmp_path / "photos")
    bulk("report", "-o", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;.jpg" in text
    assert "<b>.jpg" not in text
    assert "http" not in text


@pytest.mark.parametrize("size", ["0", "many", "-1M", "1T"])
def test_sizes_that_are_none(bulk, size):
    """The error shows what a size looks like."""
    assert "500k" in bulk("run", "--bwlimit", size).output


def test_without_a_ledger(bulk):
    """The command that makes one is named."""
    assert "bulk add" in bulk("status").output


def test_an_engine_that_is_not_there(bulk, tmp_path):
    """The engines are named."""
    bulk("add", tmp_path / "photos")
    assert "dask://" in bulk("run", "--engine", "ray").output
