"""From what happens in a stage to its outcome."""

from __future__ import annotations

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.errors import BackendError, NetworkError, RejectError, TransportError, UploadError
from ic_harness.testing.assertions import NotApplicableError, UnmetNeedError, broken
from ic_harness.testing.gate import accept_ids
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.gate.stage_log import run_stage
from ic_harness.testing.results import Outcome

from .conftest import TODAY

NO_METHOD = RejectError(3, "Canister x has no query method 'y'", "IC0536", method="y")
REFUSED = BackendError("NotFound", method="blob_read")


def outcome(scenario, *accepted):
    return run_stage("Stage", scenario, Acceptances(accept_ids(accepted, GUARANTEES), TODAY))


def raising(error, **proving):
    def scenario(log):
        log.note("as far as this")
        if not proving:
            raise error
        with log.proving(**proving):
            raise error

    return scenario


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnmetNeedError("no Wasm"), Outcome.SKIPPED),
        (NotApplicableError("no method"), Outcome.NOT_APPLICABLE),
        (NO_METHOD, Outcome.NOT_APPLICABLE),
        (UploadError("photo.jpg", detail=NO_METHOD), Outcome.NOT_APPLICABLE),
        (REFUSED, Outcome.FAILED),
        (broken("seen", "means"), Outcome.FAILED),
        (UploadError("read back different"), Outcome.FAILED),
        (TransportError("connection reset"), Outcome.ERROR),
        (UploadError("photo.jpg", detail=TransportError("connection reset")), Outcome.ERROR),
        (NetworkError("gone"), Outcome.ERROR),
        (KeyError("a bug"), Outcome.ERROR),
    ],
)
def test_who_is_to_blame(error, expected):
    """A canister that says no fails the stage, a network that breaks does not, and what cannot be asked is skipped."""
    found = outcome(raising(error))
    assert found.outcome is expected
    assert found.findings[-1] == "as far as this"
    assert len(found.findings) == 2


def test_a_stage_without_faults_passes():
    """Notes alone are no reason to refuse."""
    found = outcome(lambda log: log.note("3 photos"))
    assert (found.outcome, found.findings) == (Outcome.PASSED, ("3 photos",))


def test_what_was_promised_must_be_there():
    """A method that vanished with an upgrade is a fault; one that an older interface never had is not."""
    assert outcome(raising(NO_METHOD, guarantee="BL7", what="reading")).outcome is Outcome.FAILED
    never = raising(NO_METHOD, guarantee="BL7", what="reading", promised=False)
    assert outcome(never).outcome is Outcome.NOT_APPLICABLE


def test_a_stage_goes_on_after_a_fault():
    """Every fault of a stage is listed with the guarantee it breaks, before the notes."""

    def scenario(log):
        with log.proving("BL7", "reading the blob"):
            raise REFUSED
        with log.proving("CA6", "reading the memory"):
            raise broken("it is gone", "Users miss photos.")
        log.note("the rest holds")

    found = outcome(scenario)
    assert found.findings == (
        "BL7: reading the blob: blob_read on an unknown canister: NotFound",
        "CA6: it is gone. Users miss photos.",
        "the rest holds",
    )


def test_a_stage_is_accepted_only_when_all_its_faults_are():
    """One fault without an acceptance refuses the stage."""

    def scenario(log):
        log.fault("lost", "UC9")
        log.fault("damaged", "BL7")

    assert outcome(scenario, "UC9").outcome is Outcome.FAILED
    found = outcome(scenario, "UC9", "BL7")
    assert found.outcome is Outcome.ACCEPTED
    assert all("(accepted: accepted on the command line" in finding for finding in found.findings)
