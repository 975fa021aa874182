"""A check goes on after its first violation, and each violation is reported apart."""

from __future__ import annotations

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.errors import BackendError, RejectError, TransportError
from ic_harness.testing.assertions import (
    BrokenGuaranteeError,
    NotApplicableError,
    UnmetNeedError,
    accepted,
    broken,
    equal,
    part,
    refused,
    require,
)
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.guarantees import Severity
from ic_harness.testing.results import Outcome
from ic_harness.testing.runner import describe, run_check

from .fake import check, context

TRAP = RejectError(5, "Canister trapped: oh\nCanister Backtrace:\nf\ng", "IC0503", method="f")


def fail(error):
    raise error


def ran(run, guarantee="UC4"):
    return run_check(check(run, guarantee), context())


def seen(result):
    return [violation.what for violation in result.violations]


def test_a_check_goes_on():
    """Assertions record what they see, and the code after them runs."""

    def run(where):
        require(holds=False, what="first")
        equal(1, 2, "second")
        where.call_log.add(CallRecord("alice", "put", "1", "Ok"))
        with refused("third", "NotFound"):
            pass
        require(holds=True, what="never")

    result = ran(run)
    assert result.outcome is Outcome.FAILED
    assert seen(result) == ["first", "second: expected 2, got 1", "third was accepted, expected NotFound"]
    assert [violation.call for violation in result.violations] == [0, 0, 1]
    assert result.message.startswith("first\n")
    told = describe(result)
    assert all(f"is broken (critical): {what}" in told for what in seen(result))


def test_what_is_essential_ends_the_check():
    """Nothing runs after an assertion whose result is needed."""
    for stop in (
        lambda: require(holds=False, what="no", fatal=True),
        lambda: equal(1, 2, "no", fatal=True),
        lambda: accepted("no", lambda: fail(BackendError("NotFound"))),
        lambda: fail(broken("no")),
    ):

        def run(_, stop=stop):
            require(holds=False, what="before")
            stop()
            require(holds=False, what="after")

        assert [what[:6] for what in seen(ran(run))] in (
            ["before", "no"],
            ["before", "no was"],
            ["before", "no: ex"],
        )


def test_parts_are_independent():
    """What ends one part of a check does not end the others."""

    def run(_):
        with part():
            raise broken("one")
        with part():
            accepted("two", lambda: fail(BackendError("NotFound")))
        with part():
            raise BackendError("Internal", "three")
        require(holds=False, what="four")

    assert seen(ran(run)) == ["one", "two was refused: NotFound", "Internal: three", "four"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotApplicableError("too old"), Outcome.NOT_APPLICABLE),
        (UnmetNeedError("no clock"), Outcome.SKIPPED),
        (TransportError("gone"), Outcome.ERROR),
        (ZeroDivisionError(), Outcome.ERROR),
    ],
)
def test_a_part_that_was_not_judged_is_no_pass(error, outcome):
    """A check of which a part could not be run is not passed, and a violation elsewhere still counts."""

    def quiet(_):
        with part():
            fail(error)

    def loud(_):
        require(holds=False, what="wrong")
        quiet(_)

    assert ran(quiet).outcome is outcome
    found = ran(loud)
    assert (found.outcome, seen(found)) == (Outcome.FAILED, ["wrong"])
    assert bool(found.unfinished) == (outcome is Outcome.ERROR)


def test_consequences_are_no_violations():
    """An unforeseen refusal after a violation is the reason why the check stopped."""

    def run(_):
        with refused("a chunk that is too large", "InvalidArgument"):
            pass
        raise BackendError("Conflict", "index 0")

    found = ran(run)
    assert seen(found) == ["a chunk that is too large was accepted, expected InvalidArgument"]
    assert found.unfinished == "Conflict: index 0"
    assert "could not be finished: Conflict: index 0" in describe(found)


def test_violations_have_severities_of_their_own():
    """The worst comes first, and speaks for the check; another refusal and a trap are medium at most."""

    def run(_):
        with refused("reading", "NotFound"):
            fail(BackendError("Internal", "oops"))
        with refused("deleting", "NotFound"):
            fail(TRAP)
        require(holds=False, what="small", severity=Severity.LOW)
        require(holds=False, what="the guarantee itself")

    found = ran(run, "BL4")
    assert [violation.severity.value for violation in found.violations] == ["C", "M", "M", "L"]
    assert found.severity is Severity.CRITICAL
    assert seen(found)[0] == "the guarantee itself"
    assert (
        ran(lambda _: require(holds=False, what="small", severity=Severity.LOW), "BL4").severity
        is Severity.LOW
    )


def test_a_low_guarantee_stays_low():
    """The limit of a refusal of another kind does not make a minor guarantee worse."""

    def run(_):
        with refused("it", "NotFound"):
            fail(TRAP)

    lowest = next(id_ for id_, row in GUARANTEES.items() if row.severity is Severity.LOW)
    assert ran(run, lowest).severity is Severity.LOW


def test_a_backtrace_is_no_meaning():
    """Further lines of the canister's error are kept apart from what it means."""

    def run(_):
        with refused("a hash of 7 bytes", "InvalidArgument"):
            fail(TRAP)

    (violation,) = ran(run).violations
    assert violation.what == "a hash of 7 bytes made the canister trap: Canister trapped: oh"
    assert violation.trace == "Canister Backtrace:\nf\ng"
    assert violation.meaning.startswith("A refusal must be an Err")


def test_the_same_sentence_is_told_once():
    """A loop that sees the same thing again adds nothing."""

    def run(_):
        for _number in range(3):
            require(holds=False, what="again")

    assert seen(ran(run)) == ["again"]


def test_without_a_runner_the_first_violation_is_raised():
    """Assertions and parts outside of `run_check` raise."""
    with pytest.raises(BrokenGuaranteeError, match="seen"), part():
        require(holds=False, what="seen")
