"""Stages that try the canister: photos, guarantees and budgets."""

from __future__ import annotations

import pytest

from ic_capsule.suite import suite
from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.photos import measure_uploads
from ic_harness.testing.assertions import UnmetNeedError, broken
from ic_harness.testing.check import Check
from ic_harness.testing.gate import Build, accept_ids, budgets
from ic_harness.testing.gate.budgets import Bill, judge_budgets
from ic_harness.testing.gate.interface import judge_interface
from ic_harness.testing.gate.judging import judge_guarantees
from ic_harness.testing.gate.wasm import judge_wasm
from ic_harness.testing.results import Outcome

from .conftest import reference, scenario


@pytest.fixture
def ready(started):
    """Make a run whose build is installed and recognized."""

    def make(**request):
        run = started(reference(), **request)
        scenario(run, judge_wasm, judge_interface)
        return run

    return make


def only(monkeypatch, *functions):
    """Replace the suite's checks by these functions; each checks the guarantee in its name."""
    checks = [Check(GUARANTEES[function.__name__], function) for function in functions]
    monkeypatch.setattr(suite, "CHECKS", checks)


def UC4(stage):  # noqa: N802
    alice = stage.caller()
    assert alice.capsule
    raise broken("the blob is another", "Photos are damaged.")


def UC5(_stage):  # noqa: N802
    """Hold."""


def UC9(stage):  # noqa: N802
    stage.upgrade()


def OP1(_stage):  # noqa: N802
    msg = "no two identities"
    raise UnmetNeedError(msg)


def test_a_photo_leaves_pictures_and_timelines(ready):
    """The four assets are kept as pictures that fit a report, and both lanes and all sessions as timelines."""
    run = ready()
    found = scenario(run, measure_uploads)
    assert found.outcome is Outcome.PASSED, found.findings
    assert [picture.asset for picture in run.pictures] == ["Original", "Display", "Thumbnail", "Placeholder"]
    assert run.pictures[0].size == 9_000_000
    assert all(len(picture.data) <= 300_000 for picture in run.pictures)
    lanes, sessions = run.timelines
    rows = {span.row for span in lanes.spans}
    assert {"Lane A · Original", "Lane B · Display", "Lane B · Thumbnail", "Lane B · rendering"} <= rows
    sent = [span for span in lanes.spans if span.row == "Lane A · Original"]
    assert sum(span.amount for span in sent) == 9_000_000
    assert len({span.row for span in sessions.spans}) == 12
    assert all(0 <= span.start_ns <= span.end_ns for line in run.timelines for span in line.spans)


def test_broken_guarantees_refuse_with_their_story(ready, monkeypatch):
    """Each result has its outcome, and the calls that led to a failure; the stage fails with the worst of them."""
    only(monkeypatch, UC4, UC5, UC9, OP1)
    run = ready()
    found = scenario(run, judge_guarantees)
    outcomes = {result.guarantee.id: result.outcome for result in run.checks}
    assert outcomes == {
        "UC4": Outcome.FAILED,
        "UC5": Outcome.PASSED,
        "UC9": Outcome.PASSED,
        "OP1": Outcome.SKIPPED,
    }
    assert [step.method for step in run.checks[0].story] == ["capsules_create"]
    assert found.outcome is Outcome.FAILED
    assert found.findings == (
        "UC4: the blob is another",
        "4 guarantees: 1 is broken, 2 hold, 1 was skipped",
    )


def test_accepted_guarantees_are_told_as_accepted(ready, monkeypatch):
    """An accepted fault lets the stage through, never as passed; one that is not needed is named."""
    only(monkeypatch, UC4, UC5)
    run = ready(acceptances=accept_ids(["UC4", "UC5"], GUARANTEES))
    found = scenario(run, judge_guarantees)
    assert found.outcome is Outcome.ACCEPTED
    assert run.checks[0].acceptance is not None
    assert "2 guarantees: 1 is broken and accepted, 1 holds" in found.findings
    assert "UC5 is accepted although it holds: take its acceptance away" in found.findings


def test_nothing_judged_is_skipped(ready, monkeypatch):
    """When every check lacks something, the stage does not claim to have passed."""
    only(monkeypatch, OP1)
    found = scenario(ready(), judge_guarantees)
    assert found.outcome is Outcome.SKIPPED
    assert "no two identities" in found.findings[0]


def test_checks_do_not_see_each_other(ready, monkeypatch):
    """What one check stores is gone for the next one, though the callers' names are the same."""
    seen = []

    def CA1(stage):  # noqa: N802
        stage.caller().remember(stage_content())
        seen.append(len(stage.caller().backend.memories_list(stage.caller().capsule, None, None).items))

    def stage_content():
        from ic_capsule.suite.sample_data import content

        return content(10)

    only(monkeypatch, CA1, CA1)
    scenario(ready(), judge_guarantees)
    assert seen == [1, 1]


def test_every_guarantee_is_in_the_suite():
    """The suite that the gate runs has a check for each guarantee of the catalogue."""
    assert {check.guarantee.id for check in CHECKS} == set(GUARANTEES)


def test_equal_builds_cost_the_same(ready):
    """A build is within 1 % of itself, on any machine: instructions are counted, not timed."""
    run = ready(baseline=reference("old.wasm.gz"), budget=1.0)
    found = scenario(run, judge_budgets)
    assert found.outcome is Outcome.PASSED, found.findings
    costs = {cost.method: cost for cost in run.costs}
    assert {"uploads_put_chunk", "blob_read_chunk", "memories_list", "capsules_create"} <= set(costs)
    assert [cost for cost in run.costs if not cost.baseline or cost.median > cost.dearest] == []


def bill(memory=1000, **methods):
    return Bill(instructions=methods, cycles=dict.fromkeys(methods, 0), memory=memory, stopped="")


@pytest.mark.parametrize(
    ("now", "outcome", "words"),
    [
        (
            bill(begin=[1_105_000, 1_105_000, 9_000_000]),
            Outcome.PASSED,
            "nothing costs over 10 % more than in old.wasm",
        ),
        (
            bill(begin=[1_110_000] * 3),
            Outcome.FAILED,
            "begin takes 1,110,000 instructions, 11 % more than the 1,000,000",
        ),
        (bill(begin=[1_000_000], added=[9999]), Outcome.PASSED, "2 methods measured"),
        (
            bill(begin=[1_000_000], memory=2000),
            Outcome.FAILED,
            "needs 2.0 kB of memory, 100 % more than the 1.0 kB",
        ),
    ],
)
def test_budgets(ready, monkeypatch, now, outcome, words):
    """The median of each method, and the memory, may grow by so many per cent; new methods have no limit."""
    bills = {"backend.wasm.gz": now, "old.wasm": bill(begin=[1_000_000] * 3)}
    monkeypatch.setattr(budgets, "_measure", lambda _run, build: bills[build.name])
    found = scenario(ready(baseline=Build(name="old.wasm", wasm=b"old")), judge_budgets)
    assert found.outcome is outcome
    assert any(words in finding for finding in found.findings), found.findings
