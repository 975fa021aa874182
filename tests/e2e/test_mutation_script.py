"""`scripts/mutate` counts only what tests really find, ends faults that hang, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]

SOURCE = """\
from __future__ import annotations

LEAST = 3


def steps(number: int | None) -> int:
    count = 0
    while True:
        if not number:
            break
        number, count = number >> 1, count + 1
    return count


def enough(number: int) -> bool:
    return number >= LEAST
"""
TESTS = """\
import os
from pathlib import Path

from toy import enough, steps

Path(os.environ["PIDS"], str(os.getpid())).touch()


def test_steps():
    assert steps(0) == 0
    assert steps(5) == 3


def test_enough():
    assert enough(4)
"""


@pytest.fixture
def project(tmp_path):
    """A project with one file, its tests, and the script; one rule, the limit of `enough`, is not tested."""
    root = tmp_path / "project"
    for folder in ("scripts", "src", "tests", "../pids", "../temporary"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "mutation.py", root / "scripts")
    (root / "src" / "toy.py").write_text(SOURCE)
    (root / "tests" / "test_toy.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\naddopts = -p no:randomly\nmarkers =\n    slow: slow\n")
    return root


def started(project):
    """Start the script on the project."""
    environ = os.environ | {"TMPDIR": str(project.parent / "temporary"), "PIDS": str(project.parent / "pids")}
    command = [sys.executable, "scripts/mutation.py", "src/toy.py", "tests/test_toy.py", "--limit", "2"]
    return subprocess.Popen(
        command, cwd=project, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def assert_nothing_left(project):
    """The source is as it was, the copy is removed, and no process of a test runs on."""
    assert (project / "src" / "toy.py").read_text() == SOURCE
    assert list((project.parent / "temporary").iterdir()) == []
    pids = [int(file.name) for file in (project.parent / "pids").iterdir()]
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_lists_what_the_tests_do_not_find(project):
    """The untested limit is listed, tested code and annotations are not; a loop without end counts as found."""
    process = started(project)
    output, _ = process.communicate()
    listed = re.findall(r"not found: src/toy.py:\d+: (.*)", output)
    assert sorted(listed) == ["3  ->  4", "number >= LEAST  ->  (number > LEAST)"]
    assert output.splitlines()[-1].endswith("faults found (8 can be planted)")
    assert process.returncode == 1
    assert_nothing_left(project)


def test_tests_that_fail_without_a_fault_are_an_error(project):
    """Tests that always fail would find every fault, so nothing is measured."""
    (project / "tests" / "test_toy.py").write_text(TESTS + "    assert not enough(4)\n")
    process = started(project)
    output, errors = process.communicate()
    assert output == ""
    assert "the tests fail without a fault (exit status 1): tests/test_toy.py" in errors
    assert "assert not enough(4)" in errors
    assert process.returncode == 1
    assert_nothing_left(project)


def test_an_interrupted_run_leaves_nothing_behind(project):
    """A run that is terminated kills the tests that it started and removes its copy."""
    process = started(project)
    assert process.stderr is not None
    assert re.match(r"1 of \d+", process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert_nothing_left(project)
