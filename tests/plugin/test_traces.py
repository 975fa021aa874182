"""`--ic-cov`, `--ic-flame` and `--ic-growth`, as a project uses them."""

from __future__ import annotations

import json
import re

import pytest

from tests.testing.planted import planted

TESTS = """
import pytest

@pytest.fixture
def planted(deploy):
    return deploy("planted.wasm")

def test_busy(planted):
    planted.busy()

def test_checked(planted):
    planted.checked(5)
"""
GROWTH = """
def test_growth(deploy, grow):
    planted = deploy("planted.wasm")
    def workload(n):
        planted.square(n)
        planted.sorted(n)
    growth = grow(workload, sizes=(8, 16, 32, 64, 128))
    assert str(growth["square"].law) == "n²"
    assert growth["sorted"].law < growth["square"].law
"""


@pytest.fixture
def project(user):
    """A folder with the canister of planted costs."""
    user.path.joinpath("planted.wasm").write_bytes(planted())
    return user.path


def test_coverage_is_printed_and_written(project, outcome):
    """The table has the module by the name of its file, what never ran is listed, and the files are written."""
    result = outcome(TESTS, "--ic-cov")
    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines([r"=+ canister coverage =+", r"planted \([0-9a-f]{8}\) +\d+/\d+ +\d+\.\d %"])
    result.stdout.fnmatch_lines(["planted (*): never executed*", "  never", "written: *index.html"])
    folder = project / "ic-coverage"
    assert {path.suffix for path in folder.iterdir()} == {".html", ".info", ".xml", ".txt"}
    assert re.search(r"FNDA:0,\d+:never\n", (folder / "lcov.info").read_text())
    assert re.search(r"FNDA:1,\d+:hot\n", (folder / "lcov.info").read_text())


def test_flame_graphs_are_printed_and_written(project, outcome):
    """The functions are listed by their own instructions, and each module has a picture and a speedscope file."""
    result = outcome(TESTS, "--ic-flame", "--ic-flame-dir=flames")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["planted (*): * instructions", "function*own*share*calls", "run *"])
    (svg,) = (project / "flames").glob("planted-*.svg")
    assert "canister_update busy" in svg.read_text()
    (speedscope,) = (project / "flames").glob("planted-*.speedscope.json")
    assert json.loads(speedscope.read_text())["exporter"] == "ic-harness"


def test_growth_is_printed_and_written(project, outcome):
    """The law of each method and the size that meets its limit are in the table and on the page."""
    result = outcome(GROWTH, "--ic-growth")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*canister growth*", "planted.square *n² *", "planted.sorted *n log n *"])
    assert "planted.square grows by n²" in (project / "ic-growth" / "index.html").read_text()


def test_growth_needs_no_option(project, outcome):
    """Without the option nothing is printed and no page written."""
    result = outcome(GROWTH)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*canister growth*")
    assert not (project / "ic-growth").exists()


def test_failed_tests_are_covered_too(project, outcome):
    """What a test executed before it failed is covered, and the failure stays one."""
    result = outcome(f"{TESTS}\ndef test_fails(planted):\n    planted.fails(3)\n", "--ic-cov")
    result.assert_outcomes(passed=2, failed=1)
    assert re.search(r"FNDA:1,\d+:deep\n", (project / "ic-coverage" / "lcov.info").read_text())


def test_a_run_without_canisters_says_so(outcome):
    """Without a canister there is nothing to cover; that is no error."""
    result = outcome("def test_nothing(): pass", "--ic-cov", "--ic-flame", "--ic-growth")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["No test used the fixture grow.", "No canister was installed*"])


def test_files_that_cannot_be_written_fail_the_run(project, outcome):
    """A file where the folder should be fails the run, and says why."""
    (project / "ic-coverage").write_text("in the way")
    result = outcome(TESTS, "--ic-cov")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the files cannot be written: *"])
    assert (project / "ic-coverage").read_text() == "in the way"


@pytest.mark.slow
def test_workers_are_merged(project, outcome_apart):
    """Under pytest-xdist the records of all workers come together in one set of files."""
    result = outcome_apart(TESTS, "-n", "2", "--dist=each", "--ic-cov", "--ic-flame")
    result.assert_outcomes(passed=4)
    lcov = (project / "ic-coverage" / "lcov.info").read_text()
    assert all(re.search(rf"FNDA:1,\d+:{name}\n", lcov) for name in ("hot", "canister_update checked"))
    assert len(list((project / "ic-flame").glob("*.svg"))) == 1
