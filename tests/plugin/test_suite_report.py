"""`--ic-report`: the report of a run of the conformance suite, put together from all workers."""

from __future__ import annotations

import pytest

from ic_harness.testing.report import from_json
from ic_harness.testing.results import Outcome, Verdict

SUITE = ("--pyargs", "ic_capsule.suite.tests", "--ic-report", "found")


def read(user):
    """The report that the run wrote into the user's folder."""
    return from_json(user.path.joinpath("found", "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["here", "two workers"])
def test_report_holds_what_was_found(user, outcome_apart, workers):
    """Every check is in the report with its outcome and calls, and so are the costs of the methods."""
    result = outcome_apart("", *SUITE, "-k", "UF4 or UF5", *workers)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["report: *index.html"])
    report = read(user)
    assert [check.guarantee.id for check in report.checks] == ["UF4", "UF5"]
    assert {check.outcome for check in report.checks} == {Outcome.PASSED}
    assert all(check.story and check.seconds > 0 for check in report.checks)
    assert report.verdict is Verdict.NOT_JUDGED, "two guarantees say nothing about the others"
    assert report.subject.generation.startswith("H")
    assert "uploads_begin" in {cost.method for cost in report.costs}


def test_broken_guarantees_refuse(user, outcome_apart):
    """A canister that is no backend passes nothing, and the report does not call that a pass."""
    wasm = "(module)"
    import wasmtime

    user.path.joinpath("empty.wasm").write_bytes(bytes(wasmtime.wat2wasm(wasm)))
    result = outcome_apart("", *SUITE, "-k", "UF4", "--wasm", "empty.wasm")
    result.assert_outcomes(failed=1)
    report = read(user)
    assert report.verdict is Verdict.COULD_NOT_RUN
    assert report.subject.canister == "empty.wasm"
    assert "no capsule backend" in report.checks[0].message


def test_run_without_the_suite_writes_nothing(user, outcome_apart):
    """Tests that find nothing leave no report."""
    outcome_apart("def test(): pass", "--ic-report", "found").stdout.fnmatch_lines(["no report: *"])
    assert not user.path.joinpath("found").exists()
