"""Accepted faults: who accepts must say why, and until when."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.errors import InputError
from ic_harness.testing.gate import accept_ids, read_acceptances
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.results import Acceptance, CheckResult, Outcome

DAY = date(2026, 12, 31)
UC5 = Acceptance(id="UC5", reason="one by one until #12", expires=DAY)


def result(outcome=Outcome.FAILED, id_="UC5"):
    return CheckResult(guarantee=GUARANTEES[id_], check=f"{id_}-x", outcome=outcome, message="seen\nmeans")


@pytest.mark.parametrize("expires", [DAY, "2026-12-31", datetime(2026, 12, 31, 12)])  # noqa: DTZ001 - TOML's local time
def test_an_entry_is_an_id_a_reason_and_a_date(expires):
    """The date may be written as TOML's own date, with a time, or as a text."""
    table = {"UC5": {"reason": " one by one until #12 ", "expires": expires}}
    assert read_acceptances(table, "gate.accepted", GUARANTEES) == (UC5,)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"UC99": {"reason": "r", "expires": DAY}}, ["gate.accepted.UC99", "'UC99'", "UC1, UC2"]),
        ({"nonsense": {"reason": "r", "expires": DAY}}, ["'nonsense'", "UB1"]),
        ({"UC5": {"expires": DAY}}, ["gate.accepted.UC5 needs a reason"]),
        ({"UC5": {"reason": "  ", "expires": DAY}}, ["needs a reason"]),
        ({"UC5": {"reason": "r"}}, ["needs a date", "2027-01-31"]),
        ({"UC5": {"reason": "r", "expires": "soon"}}, ["'soon'", "no date"]),
        ({"UC5": {"reason": "r", "expires": 7}}, ["needs a date"]),
        ({"UC5": {"reason": "r", "expires": DAY, "ever": 1}}, ["'ever'", "reason, expires"]),
        ({"UC5": "known"}, ["gate.accepted.UC5 must be a table"]),
        (["UC5"], ["gate.accepted must be a table"]),
    ],
)
def test_careless_entries_are_refused(table, words):
    """An acceptance without a reason, an end or a known guarantee is bad input."""
    with pytest.raises(InputError) as refused:
        read_acceptances(table, "gate.accepted", GUARANTEES)
    assert all(word in str(refused.value) for word in words)


def test_the_command_line_accepts_for_one_run():
    """What is typed needs no date; an id that there is not is bad input all the same."""
    (accepted,) = accept_ids(["HT2"], GUARANTEES)
    assert (accepted.id, accepted.expires) == ("HT2", None)
    assert "this run" in accepted.reason
    with pytest.raises(InputError, match="--accept"):
        accept_ids(["HT99"], GUARANTEES)


def test_an_accepted_failure_is_not_passed():
    """On its last day an acceptance still counts, and the failure is shown as accepted."""
    found = Acceptances([UC5], DAY).apply(result())
    assert (found.outcome, found.acceptance, found.message) == (Outcome.ACCEPTED, UC5, "seen\nmeans")


def test_an_expired_acceptance_refuses_and_says_so():
    """From the next day on the failure counts again, with the reason why it once did not."""
    found = Acceptances([UC5], date(2027, 1, 1)).apply(result())
    assert found.outcome is Outcome.FAILED
    assert "accepted until 2026-12-31 (one by one until #12); that has expired" in found.message


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.SKIPPED, Outcome.ERROR, Outcome.NOT_APPLICABLE])
def test_only_failures_can_be_accepted(outcome):
    """A check that could not run proves nothing, accepted or not."""
    assert Acceptances([UC5], DAY).apply(result(outcome)) == result(outcome)


def test_an_acceptance_that_is_not_needed_is_named():
    """When all checks of an accepted guarantee pass, its entry can go."""
    acceptances = Acceptances([UC5, *accept_ids(["UC4"], GUARANTEES)], DAY)
    found = [result(Outcome.PASSED), result(Outcome.PASSED, "UC4"), result(Outcome.SKIPPED, "UC4")]
    assert acceptances.needless(found) == ["UC5"]


def test_ids_of_the_same_letters_are_suggested():
    """An unknown id names the ids with its letters, whatever the number of digits."""
    with pytest.raises(InputError) as refused:
        accept_ids(["w4"], ["W1", "WA1", "W12", "UC4"])
    assert str(refused.value).endswith("there are: W1, W12")
