"""`--ic-report` has what the other options measured, from every worker, and of runs that end early too."""

from __future__ import annotations

import pytest

from ic_harness.testing.report import from_json
from ic_harness.testing.results import Verdict
from tests.testing.planted import planted

TESTS = """
import pytest
from ic_harness.testing.fuzzing import fuzz

@pytest.fixture
def planted(deploy):
    return deploy("planted.wasm")

def test_busy(planted):
    planted.busy()

def test_growth(planted, grow):
    grow(lambda n: planted.square(n), sizes=(8, 16, 32, 64, 128))

def test_fails(planted):
    planted.fails(3)

def test_fuzz(planted):
    fuzz(planted, methods=["fails"], max_examples=3, max_steps=2, seed=1)
"""
EVERYTHING = (
    "--ic-cov", "--ic-flame", "--ic-growth", "--ic-gas=update", "--ic-failures=left", "--ic-report=out",
)  # fmt: skip


@pytest.fixture
def project(user):
    """A folder with the canister of planted costs."""
    user.path.joinpath("planted.wasm").write_bytes(planted())
    return user.path


def read(project):
    """The report that the run wrote."""
    return from_json((project / "out" / "report.json").read_text(encoding="utf-8"))


def assert_measured(project):
    """The report has each thing that was measured, and a page with its section."""
    report = read(project)
    found = report.measured
    assert found is not None
    (module,) = found.coverage
    assert 0 < module.functions.hit < module.functions.total
    assert "never" in {it.name for it in module.never}
    assert (project / "out" / found.coverage_page).resolve() == (
        project / "ic-coverage" / "index.html"
    ).resolve()
    (graph,) = found.flames
    assert "canister_update busy" in {it.name for it in graph.frames}
    assert [it.subject for it in found.growth[0].series] == ["planted.square"]
    assert found.gas is not None
    assert {it.subject for it in found.gas.lines} >= {"planted.busy", "planted.square"}
    (search,) = found.searches
    assert search.kind == "fuzz"
    assert search.test.endswith("::test_fuzz")
    assert search.findings[0].title == "no-trap: fails"
    assert search.findings[0].steps
    assert "busy" in {cost.method for cost in report.costs}
    failures = {it.test.rpartition("::")[2]: it for it in found.run.failures}
    assert set(failures) == {"test_fails", "test_fuzz"}
    assert failures["test_fails"].command == f"ic-harness replay {failures['test_fails'].file}"
    assert (project / failures["test_fails"].file).is_file()
    page = (project / "out" / "index.html").read_text(encoding="utf-8")
    for id_ in ("failed", "searches", "sequences", "coverage", "growth", "gas", "instructions", "flames"):
        assert f'<section id="{id_}"' in page


@pytest.mark.slow
def test_everything_that_was_measured_is_in_the_report(project, outcome_apart):
    outcome_apart(TESTS + "# hypothesis", *EVERYTHING).assert_outcomes(passed=2, failed=2)
    assert_measured(project)


@pytest.mark.slow
def test_workers_measure_for_one_report(project, outcome_apart):
    outcome_apart(TESTS + "# hypothesis", "-n", "2", *EVERYTHING).assert_outcomes(passed=2, failed=2)
    assert_measured(project)


def test_coverage_alone_makes_a_report(project, outcome):
    """No guarantee is needed; the verdict on the canister stays open."""
    result = outcome(TESTS, "--ic-cov", "--ic-report=out", "-k", "busy")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["report: *index.html"])
    result.stdout.no_fnmatch_line("verdict: *")
    report = read(project)
    assert report.verdict is Verdict.NOT_JUDGED
    assert report.measured.flames == ()
    assert report.measured.growth == ()
    assert "<h1" in (page := (project / "out" / "index.html").read_text(encoding="utf-8"))
    assert "1 test passed" in page


@pytest.mark.slow
def test_an_interrupted_run_has_what_it_came_to(project, outcome_apart):
    """What ended before Ctrl-C is in the report, which says that the rest is missing."""
    source = TESTS + "\ndef test_stopped(planted):\n    planted.busy()\n    raise KeyboardInterrupt\n"
    result = outcome_apart(source + "# hypothesis", "--ic-cov", "--ic-report=out", "-k", "busy or stopped")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    found = read(project).measured
    assert found.run.interrupted
    assert found.run.passed == 1
    assert found.coverage[0].functions.hit > 0
    assert any("interrupted" in note for note in found.notes)


def test_a_folder_in_the_way_fails_the_run(project, outcome):
    (project / "out").write_text("in the way")
    result = outcome(TESTS, "--ic-cov", "--ic-report=out", "-k", "busy")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the report cannot be written: *"])
