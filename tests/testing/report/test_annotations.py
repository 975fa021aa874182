"""Annotations on GitHub Actions: read back as the runner reads them."""

from __future__ import annotations

import dataclasses
import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.report import announce, to_annotations, to_markdown
from ic_harness.testing.results import Outcome
from ic_harness.text import clean

from . import samples

COMMAND = re.compile(r"^::(?P<level>error|warning) title=(?P<title>[^:,\n\r]*)::(?P<message>[^\n\r]*)$")
ESCAPES = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]


def read(line):
    """Level, title and message of a line, as the runner unescapes them."""
    found = COMMAND.match(line)
    assert found, line
    texts = [found["title"], found["message"]]
    for escape, sign in ESCAPES:
        texts = [text.replace(escape, sign) for text in texts]
    return found["level"], *texts


def test_broken_guarantees_are_errors():
    """Broken guarantees and checks that went wrong are errors, worst first; accepted faults are warnings."""
    seen = [read(line) for line in to_annotations(samples.refused())]
    assert [(level, title.split()[0]) for level, title, _ in seen] == [
        ("error", "UC6"), ("error", "UC9"), ("error", "BL4"), ("error", "MR2"), ("error", "HT2"), ("warning", "UF4"),
    ]  # fmt: skip
    assert "Another caller's chunk changed the hash of your session" in seen[0][2]
    assert "Last call: alice: uploads_finish" in seen[0][2]
    assert "Accepted until 2027-01-31: clients check the length" in seen[-1][2]


def test_reasons_without_guarantees_are_errors():
    """A run that judged nothing says why, once; one that passed says nothing."""
    assert [read(line)[2] for line in to_annotations(samples.could_not_run())] == [
        "missing.wasm: no such file. Build it first, or name another with --wasm."
    ]
    assert to_annotations(samples.passing()) == []


@settings(deadline=None, max_examples=40)
@given(st.text() | st.just(samples.ENEMY) | st.text("\r\n:,%\u2028\x85"))
def test_no_text_starts_a_command(text):
    """Whatever a canister says, each annotation is one line of one command, and its text comes back."""
    lines = to_annotations(samples.hostile(text or "-"))
    assert lines
    for line in lines:
        assert len(line.splitlines()) == 1
        read(line)
    reasons = [read(line)[2] for line in to_annotations(samples.could_not_run())]
    assert reasons
    assert clean("\r") == "␍"


def test_no_more_than_github_shows():
    """Ten errors at most; the tenth of more says how many are not shown."""
    checks = {
        check.guarantee.id: samples.failed(check.guarantee.id, "broke", "it broke", [])
        for check in samples.checks()
    }
    report = dataclasses.replace(samples.refused(), checks=samples.checks(checks))
    lines = to_annotations(report)
    assert len(lines) == 10
    assert read(lines[-1]) == ("error", "ic-harness", f"{len(GUARANTEES) - 9} more are in the report.")
    assert all(check.outcome is Outcome.FAILED for check in report.checks)


def test_silent_elsewhere(tmp_path):
    """Outside of GitHub Actions nothing is printed and no summary is written."""
    output, summary = io.StringIO(), tmp_path / "summary.md"
    announce(samples.refused(), {"GITHUB_STEP_SUMMARY": str(summary)}, output)
    assert output.getvalue() == ""
    assert not summary.exists()


def test_on_github(tmp_path):
    """On GitHub Actions annotations are printed, and the summary is added to what other steps wrote."""
    output, summary = io.StringIO(), tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    announce(samples.refused(), {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}, output)
    assert output.getvalue().splitlines() == to_annotations(samples.refused())
    assert summary.read_text(encoding="utf-8") == f"before\n{to_markdown(samples.refused())}"
