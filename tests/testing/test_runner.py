"""What becomes of a check: passed, failed, skipped, not applicable, or an error of its own."""

from __future__ import annotations

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.errors import BackendError, CandidError, RejectError, TransportError
from ic_harness.networks import Capability
from ic_harness.testing.assertions import NotApplicableError, UnmetNeedError, broken
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.results import Outcome
from ic_harness.testing.runner import describe, run_check

from .fake import CANISTER, OTHER, PrintedLine, check, context

NO_METHOD = RejectError(5, "Canister x has no query method 'f'", "IC0536", method="f")


@pytest.mark.parametrize(
    ("error", "outcome", "told"),
    [
        (None, Outcome.PASSED, ""),
        (broken("seen", "means"), Outcome.FAILED, "seen\nmeans"),
        (UnmetNeedError("no clock"), Outcome.SKIPPED, "no clock"),
        (NotApplicableError("too old"), Outcome.NOT_APPLICABLE, "too old"),
        (NO_METHOD, Outcome.NOT_APPLICABLE, "the canister has no method f"),
        (BackendError("Internal", "oops"), Outcome.FAILED, "Internal: oops\nA call that leads to"),
        (RejectError(5, "Canister trapped", "IC0502"), Outcome.FAILED, "Canister trapped\nA call"),
        (CandidError("not text"), Outcome.FAILED, "not text\nA call"),
        (TransportError("gone"), Outcome.ERROR, "TransportError: gone"),
        (ZeroDivisionError("bug"), Outcome.ERROR, "ZeroDivisionError: bug"),
    ],
)
def test_whatever_happens_becomes_a_result(error, outcome, told):
    """Faults of the canister, missing abilities of network or interface, and our own bugs have different outcomes."""

    def run(_stage):
        if error is not None:
            raise error

    result = run_check(check(run), context())
    assert result.outcome is outcome
    assert told in result.message
    assert result.seconds >= 0


def test_a_failure_tells_its_story():
    """What happened, what it means, the guarantee, the calls and what the canister printed meanwhile."""
    scene = context(Capability.LOG_STREAM)

    def run(where):
        where.call_log.add(CallRecord("alice", "put", "1", "Ok"))
        where.network.printed += [PrintedLine(CANISTER, "hash absorbed"), PrintedLine(OTHER, "another's")]
        raise broken("the hash changed", "Photos are lost.")

    told = describe(run_check(check(run, "UC6"), scene))
    assert told.splitlines() == [
        "UC6 is broken (critical): the hash changed",
        "What it means: Photos are lost.",
        f"The guarantee: {GUARANTEES['UC6'].text}.",
        f"How to fix it: {GUARANTEES['UC6'].fix} As in {', '.join(GUARANTEES['UC6'].pattern)}.",
        "",
        "The calls, the last one last:",
        "  alice: put(1) -> Ok",
        "",
        "What the canister printed:",
        "  hash absorbed",
        "",
        "Python code that makes the calls again:",
        "",
        "from ic_capsule.suite.reproduction import rerun",
        "",
        "rerun('UC6-run', 'backend.wasm.gz')",
    ]


def test_a_bug_is_not_called_a_broken_guarantee():
    """A check that cannot run blames no canister."""
    told = describe(run_check(check(lambda _: 1 / 0), context()))
    assert told.startswith("UC4 could not be judged: ")
    assert "ZeroDivisionError" in told
