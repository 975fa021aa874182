"""What a report says about each guarantee and about all."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.report.model import WORST_FIRST, ReportModel, split_message
from ic_harness.testing.results import CheckResult, Outcome, Verdict

from . import samples


def _with(*outcomes, guarantee=GUARANTEES["UC4"]):
    checks = tuple(
        CheckResult(guarantee=guarantee, check=str(i), outcome=it) for i, it in enumerate(outcomes)
    )
    return ReportModel(dataclasses.replace(samples.could_not_run(), checks=checks))


@pytest.mark.parametrize(("one", "other"), list(product(Outcome, Outcome)))
def test_the_worst_check_speaks(one, other):
    """A guarantee ends as the worst of its checks did; above all, nothing outweighs a failure."""
    expected = min(one, other, key=WORST_FIRST.index)
    found = next(it for it in _with(one, other).all if it.guarantee.id == "UC4")
    assert found.outcome is expected
    assert (expected is Outcome.PASSED) == (one is other is Outcome.PASSED)


def test_unchecked_is_no_outcome():
    """A guarantee that no check looked at is counted as that, never as passed."""
    model = _with(Outcome.PASSED)
    assert model.counts == {Outcome.PASSED: 1, None: len(GUARANTEES) - 1}


def test_strangers_to_the_catalogue_are_shown():
    """A guarantee of another version's catalogue has its place in the areas."""
    stranger = Guarantee("ZZ9", "Later", "Something new", Severity.LOW, frozenset())
    model = _with(Outcome.FAILED, guarantee=stranger)
    assert list(model.areas)[-1] == "Later"
    assert [it.guarantee.id for it in model.reported] == ["ZZ9"]


def test_told_worst_first():
    """Failed before error before accepted, critical first within each."""
    assert [it.guarantee.id for it in ReportModel(samples.refused()).reported] == [
        "UC6",
        "UC9",
        "BL4",
        "MR2",
        "HT2",
        "UF4",
    ]


def test_headlines():
    """Each verdict is explained in a sentence that is true of it."""
    assert ReportModel(samples.refused()).headline() == "4 guarantees broke, 3 critical and 1 medium."
    assert _with(Outcome.FAILED).headline() == "1 critical guarantee broke."
    assert ReportModel(samples.passing()).headline() == f"All {len(GUARANTEES)} guarantees hold."
    assert "not judged" in ReportModel(samples.could_not_run()).headline()
    assert _with(Outcome.ERROR).headline().startswith("1 guarantee could not be judged")
    refused = dataclasses.replace(samples.passing(), verdict=Verdict.REFUSED)
    assert "a stage of the gate refused" in ReportModel(refused).headline()
    selected = dataclasses.replace(_with(Outcome.PASSED).report, verdict=Verdict.NOT_JUDGED)
    assert ReportModel(selected).headline().endswith("The others were left out by selection.")
    assert "may be deployed" not in ReportModel(selected).meaning()
    partly = dataclasses.replace(_with(Outcome.PASSED).report, verdict=Verdict.PASS)
    assert ReportModel(partly).headline() == f"1 of {len(GUARANTEES)} guarantees hold; none broke unaccepted."


def test_refusals_are_not_said_twice():
    """Sentences about guarantees that are listed are left out; those of other stages stay, in their order."""
    model = ReportModel(samples.refused())
    assert [text.split()[0] for text in model.other_refusals(6)] == ["Budgets:"]
    assert [text.split()[0] for text in model.other_refusals(1)] == ["BL4", "Budgets:"]


def test_meaning_is_of_the_worst():
    """What it means is said of the most severe guarantee that broke."""
    assert "lose data" in ReportModel(samples.refused()).meaning()
    assert ReportModel(samples.passing()).meaning() == "The canister may be deployed."
    assert (
        "should not be deployed"
        in ReportModel(dataclasses.replace(samples.passing(), verdict=Verdict.REFUSED)).meaning()
    )
    assert _with(Outcome.PASSED).meaning().startswith("Repair")


def test_split_message():
    """The first line is what was seen, the rest what it means."""
    assert split_message("seen\nmeans\nmore") == ("seen", "means\nmore")
    assert split_message("seen") == ("seen", "")
    assert split_message("") == ("", "")
