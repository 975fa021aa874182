"""The report of a run: one page for people, and the same as JSON, SARIF, JUnit XML, Markdown and GitHub annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ic_harness.testing.report.annotations import announce, to_annotations
from ic_harness.testing.report.html import sequence_page, to_html
from ic_harness.testing.report.json_ import from_json, schema, to_json
from ic_harness.testing.report.junit import to_junit
from ic_harness.testing.report.markdown import to_markdown
from ic_harness.testing.report.model import known_guarantees
from ic_harness.testing.report.sarif import to_sarif
from ic_harness.testing.report.words import generation_word
from ic_harness.testing.results import Report

__all__ = [
    "announce",
    "from_json",
    "generation_word",
    "known_guarantees",
    "schema",
    "sequence_page",
    "to_annotations",
    "to_html",
    "to_json",
    "to_junit",
    "to_markdown",
    "to_sarif",
    "write_report",
]

_FILES: Final = {
    "index.html": to_html,
    "report.json": to_json,
    "report.sarif": to_sarif,
    "junit.xml": to_junit,
    "summary.md": to_markdown,
}


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write the report in every format into `folder`, made where it is missing.

    Returns the paths, the page first. Raises `OSError` when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, write in _FILES.items():
        path = folder / name
        path.write_text(write(report), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths
