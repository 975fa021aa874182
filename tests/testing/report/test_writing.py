"""Writing all formats into a folder, and making them again from the JSON."""

from __future__ import annotations

import json

import pytest

from ic_harness.testing.report import from_json, write_report
from ic_harness.testing.report.__main__ import main

from . import samples


def test_all_formats_are_written(tmp_path):
    """The page comes first; every file is there, UTF-8 with plain line ends, also over an older report."""
    folder = tmp_path / "deep" / "report"
    for report in (samples.refused(), samples.passing()):
        paths = write_report(report, folder)
    assert [path.name for path in paths] == [
        "index.html", "report.json", "report.sarif", "junit.xml", "summary.md",
    ]  # fmt: skip
    assert sorted(paths) == sorted(folder.iterdir())
    assert all(b"\r" not in path.read_bytes() and path.read_text(encoding="utf-8") for path in paths)
    assert from_json(paths[1].read_text(encoding="utf-8")) == samples.passing()


def test_making_it_again_gives_the_same(tmp_path, capsys):
    """From the JSON alone, on another machine, come the same files."""
    first = write_report(samples.refused(), tmp_path / "first")
    assert main([str(first[1]), "-o", str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out.strip().endswith("index.html")
    for path in first:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("content", ["", json.dumps({"format": "other"}), None])
def test_what_is_no_report(tmp_path, capsys, content):
    """A file that is missing or no report ends with status 2 and a sentence that names the file."""
    file = tmp_path / "x.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert main([str(file), "-o", str(tmp_path / "out")]) == 2
    assert str(file) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
