"""`scripts/judging/pic_js_suites.py`: the report of jest and vitest is read, here one that a script of ours writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "judging"
RUNNER = """
import sys
from pathlib import Path
from judge import BrokenOffError
from pic_js_suites import run_suite

place = Path(sys.argv[1])
words = [sys.executable, place / "suite.py"]
try:
    for name, result in run_suite(words, name="it", report=place / "report.json", folder=place, environment={}):
        print(name, result.passed, result.detail)
except BrokenOffError as problem:
    print("broken off:", problem)
"""
SUITE = """
import sys
from pathlib import Path

option, _, path = sys.argv[1].partition("=")
assert option == "--outputFile"
text = Path("text").read_text(encoding="utf-8")
print("the last words")
if text:
    Path(path).write_text(text, encoding="utf-8")
sys.exit(1)
"""


@pytest.fixture
def printed(tmp_path):
    """Run a suite that writes this report and exits with status 1; return what was made of it."""

    def running(report):
        (tmp_path / "suite.py").write_text(SUITE, encoding="utf-8")
        (tmp_path / "text").write_text("" if report is None else json.dumps(report), encoding="utf-8")
        words = [sys.executable, "-c", RUNNER, str(tmp_path)]
        done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return running


def case(name, status, *failures):
    """A case as both programs report it."""
    return {"fullName": name, "status": status, "failureMessages": list(failures)}


def test_cases_are_named_by_file(printed):
    """Files come by name; skipped cases are left out; a failure keeps its messages."""
    cases = [case("adds", "passed"), case("waits", "pending"), case("stops", "failed", "not so")]
    files = [
        {"name": "/c/one.spec.ts", "status": "passed", "assertionResults": [case("counts", "passed")]},
        {"name": "/b/two.spec.ts", "status": "failed", "assertionResults": cases},
    ]
    lines = printed({"testResults": files})
    assert [line.rstrip() for line in lines] == [
        "two: adds True",
        "two: stops False not so",
        "one: counts True",
    ]


def test_a_file_that_cannot_be_loaded_is_no_verdict(printed):
    """A failed file without cases breaks the suite off, with its message."""
    file = {"name": "one.spec.ts", "status": "failed", "assertionResults": [], "message": "no module"}
    assert printed({"testResults": [file]}) == ["broken off: one could not be loaded: no module"]


def test_no_report_is_no_verdict(printed):
    """A suite that writes nothing is broken off, with the end of what it printed."""
    assert printed(None)[0] == "broken off: it wrote no report: the last words"
