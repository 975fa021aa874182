"""`scripts/judges`: official suites against a served replica, compared with the committed lists.

The suites themselves run in CI by the script; here a suite of two cases stands in for `ic-ref-test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = Path(__file__).with_name("expected")
REPORT = """<testsuites><testsuite name="all"><testsuite name="group">
<testcase classname="all.group" name="first"/>
<testcase classname="all.group" name="second"><failure>not so</failure></testcase>
</testsuite></testsuite></testsuites>"""
SUITE = """#!/bin/sh
url=$1
while [ $# -gt 0 ]; do [ "$1" = --xml ] && report=$2; shift; done
"$PYTHON" -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + '/api/v2/status')" "$url" || exit 9
cat > "$report" <<'X'
{report}
X
exit {status}
"""


@pytest.fixture
def judge(tmp_path):
    """Run `scripts/judging` with a shelf and lists of its own: (exit status, output)."""

    def running(expected, *, report=REPORT, status=1, present=True):
        shelf, lists = tmp_path / "shelf", tmp_path / "lists"
        lists.mkdir()
        (lists / "ic-ref-test.toml").write_text(expected, encoding="utf-8")
        (shelf / "ic-ref-test").mkdir(parents=True)
        if present:
            program = shelf / "ic-ref-test" / "run"
            program.write_text(SUITE.replace("{report}", report).replace("{status}", str(status)))
            program.chmod(0o755)
        else:
            (shelf / "ic-ref-test").rmdir()
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "judging"), "ic-ref-test", "--expected", str(lists)],
            env={**os.environ, "IC_HARNESS_JUDGES": str(shelf)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    return running


def listed(*cases, total=2):
    return f"total = {total}\n[[expected]]\nreason = 'older'\ncases = {list(cases)}\n"


def test_as_expected(judge):
    """Where only the listed cases fail, one line with the score is all."""
    assert judge(listed("all.group.second")) == (
        0, "ic-ref-test: 1 of 2 passed, 1 expected to fail, 0 differences\n",
    )  # fmt: skip


def test_a_case_that_fails_unlisted(judge):
    """Another failure is a difference, told with what the suite says about it."""
    status, printed = judge(listed())
    assert status == 1
    assert "fails: all.group.second\n      not so" in printed


def test_a_case_that_passes_although_listed(judge):
    """Better than the list is a difference, too."""
    status, printed = judge(listed("all.group.first", "all.group.second"))
    assert status == 1
    assert "passes now, take it off the list: all.group.first (older)" in printed


def test_cases_that_vanish(judge):
    """A suite that runs fewer cases than the list knows is not what it was."""
    status, printed = judge(listed("all.group.second", "all.gone", total=3))
    assert status == 1
    assert "there is no such case: all.gone" in printed
    assert "the suite ran 2 cases, the list says 3" in printed


def test_a_suite_without_a_verdict(judge):
    """A suite that breaks off has no score and fails."""
    status, printed = judge(listed("all.group.second"), status=9)
    assert status == 1
    assert printed.startswith("ic-ref-test: no verdict, ")


def test_being_ended_ends_everything(tmp_path):
    """SIGTERM ends the suite, its children and the replica, and removes the temporary folder."""
    program = tmp_path / "shelf" / "ic-ref-test" / "run"
    program.parent.mkdir(parents=True)
    pids = tmp_path / "pids"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $$ $! > {pids}.new; mv {pids}.new {pids}\nwait\n")
    program.chmod(0o755)
    (tmp_path / "ic-ref-test.toml").write_text("total = 0\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "judging"), "ic-ref-test", "--expected", str(tmp_path)],
        env={**os.environ, "IC_HARNESS_JUDGES": str(tmp_path / "shelf"), "TMPDIR": str(scratch)},
    ) as judging:
        while not pids.exists():
            assert judging.poll() is None
        judging.terminate()
        assert judging.wait(60) == 143
    assert list(scratch.iterdir()) == []
    deadline = time.monotonic() + 30
    for pid in pids.read_text().split():
        while alive(int(pid)):  # a killed process takes a moment to end
            assert time.monotonic() < deadline, pid


def alive(pid):
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_missing_suite_is_skipped_by_name(judge):
    """Where the suite is not there, that is said, and nothing fails."""
    status, printed = judge(listed(), present=False)
    assert status == 0
    assert printed.startswith("ic-ref-test: skipped, ")


@pytest.mark.parametrize("path", sorted(EXPECTED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_committed_lists_can_be_read(path):
    """Every list names its cases once, each with a reason."""
    code = "import sys; from pathlib import Path; from expected import Expected; Expected.read(Path(sys.argv[1]))"
    folder = ROOT / "scripts" / "judging"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=folder, check=True, timeout=60)
