"""The decision: any failure refuses, and a canister that was not judged has not passed."""

from __future__ import annotations

import pytest

from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.gate.verdict import decide, unselected
from ic_harness.testing.results import CheckResult, Outcome, StageResult, Verdict


def check(id_, outcome, message="seen\nmeans"):
    return CheckResult(guarantee=GUARANTEES[id_], check=id_, outcome=outcome, message=message)


def stage(outcome, *log, name="Upgrade"):
    return StageResult(name=name, outcome=outcome, findings=log)


HELD = check("UC4", Outcome.PASSED)


@pytest.mark.parametrize(
    ("stages", "checks", "expected"),
    [
        ([stage(Outcome.PASSED)], [HELD], Verdict.PASS),
        ([stage(Outcome.SKIPPED, "no Wasm")], [HELD], Verdict.PASS),
        ([stage(Outcome.ACCEPTED, "UC9: lost")], [check("UC9", Outcome.ACCEPTED)], Verdict.PASS),
        ([stage(Outcome.FAILED, "lost")], [HELD], Verdict.REFUSED),
        ([], [HELD, check("UC5", Outcome.FAILED)], Verdict.REFUSED),
        ([stage(Outcome.ERROR, "gone")], [HELD, check("UC5", Outcome.FAILED)], Verdict.REFUSED),
        ([stage(Outcome.ERROR, "gone")], [HELD], Verdict.COULD_NOT_RUN),
        ([], [HELD, check("UC5", Outcome.ERROR)], Verdict.COULD_NOT_RUN),
        ([stage(Outcome.PASSED)], [check("UC9", Outcome.SKIPPED)], Verdict.COULD_NOT_RUN),
        ([stage(Outcome.PASSED)], [], Verdict.COULD_NOT_RUN),
    ],
)
def test_verdicts(stages, checks, expected):
    """Failures outweigh errors, errors outweigh what passed, and nothing judged is no pass."""
    verdict, reasons = decide(stages, checks, (), GUARANTEES)
    assert verdict is expected
    assert bool(reasons) is (expected is not Verdict.PASS)


def test_what_was_left_out_is_no_pass():
    """A run of some guarantees says nothing about the canister; what it found broken still refuses."""
    verdict, reasons = decide([], [HELD], ["UB1", "BL3"], GUARANTEES)
    assert (verdict, reasons) == (
        Verdict.NOT_JUDGED,
        (f"2 of {len(GUARANTEES)} guarantees were left out by selection: UB1, BL3",),
    )
    assert decide([], [check("UC5", Outcome.FAILED)], ["UB1"], GUARANTEES)[0] is Verdict.REFUSED
    assert decide([], [check("UC5", Outcome.ERROR)], ["UB1"], GUARANTEES)[0] is Verdict.COULD_NOT_RUN


def test_a_guarantee_is_left_out_with_one_of_its_checks():
    """BL3 has two checks: with one of them alone it is not judged."""
    results = [
        CheckResult(guarantee=it.guarantee, check=it.name, outcome=Outcome.PASSED)
        for it in CHECKS
        if it.name not in ("BL3-blob_ids_of_one_round", "UB1-chunk_counts_are_bounded")
    ]
    assert unselected(results, CHECKS, GUARANTEES) == ("UB1", "BL3")
    assert len(unselected([], CHECKS, GUARANTEES)) == len(GUARANTEES)


def test_the_worst_comes_first():
    """Critical guarantees come before broken stages, those before milder guarantees; each says what was seen."""
    stages = [
        stage(Outcome.FAILED, "UC4: told by its check", name="Guarantees"),
        stage(Outcome.FAILED, "the upgrade is refused: trap\nbacktrace"),
    ]
    checks = [check("UB1", Outcome.FAILED), check("UB3", Outcome.FAILED), check("UC4", Outcome.FAILED)]
    assert decide(stages, checks, (), GUARANTEES)[1] == (
        "UC4 (critical): seen",
        "Upgrade: the upgrade is refused: trap",
        "UB3 (high): seen",
        "UB1 (medium): seen",
    )
