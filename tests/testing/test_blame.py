"""Who is responsible for an error: one function says so for checks, assertions and stages of the gate."""

from __future__ import annotations

import pytest

from ic_harness.errors import (
    BackendError,
    CallTimeoutError,
    CandidError,
    CertificateError,
    ClockError,
    HttpStatusError,
    ImageError,
    InputError,
    NetworkError,
    NotInGenerationError,
    RejectError,
    ReplicaError,
    TransportError,
    UploadError,
)
from ic_harness.testing.assertions import accepted
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.gate.stage_log import run_stage
from ic_harness.testing.results import Outcome
from ic_harness.testing.runner import run_check

from .fake import check, context
from .gate.conftest import TODAY

NO_METHOD = RejectError(5, "Canister x has no query method 'f'", "IC0536", method="f")
TABLE = [
    (BackendError("NotFound"), Blame.CANISTER),
    (RejectError(5, "Canister trapped", "IC0502"), Blame.CANISTER),
    (RejectError(4, "no"), Blame.CANISTER),
    (CandidError("not text"), Blame.CANISTER),
    (NO_METHOD, Blame.INTERFACE),
    (NotInGenerationError("blob_delete", "A", method="blob_delete"), Blame.INTERFACE),
    (RejectError(1, "subnet failed"), Blame.NETWORK),
    (RejectError(2, "queue is full", "IC0206"), Blame.NETWORK),
    (RejectError(3, "Canister x not found", "IC0301"), Blame.NETWORK),
    (RejectError(6, "deadline has passed"), Blame.NETWORK),
    (TransportError("gone"), Blame.NETWORK),
    (HttpStatusError(503, "busy"), Blame.NETWORK),
    (CallTimeoutError("no verdict"), Blame.NETWORK),
    (ClockError("five minutes"), Blame.NETWORK),
    (CertificateError("wrong key"), Blame.NETWORK),
    (NetworkError("closed"), Blame.NETWORK),
    (ReplicaError("closed"), Blame.NETWORK),
    (InputError("no such file"), Blame.HARNESS),
    (ImageError("no image"), Blame.HARNESS),
    (KeyError("a bug"), Blame.HARNESS),
]
CAUSES = [(UploadError("photo.jpg", detail=error), who) for error, who in TABLE]
NESTED = [(UploadError("photo.jpg", detail=error), who) for error, who in CAUSES]
UPLOADS = [*CAUSES, *NESTED, (UploadError("reads back different"), Blame.CANISTER)]
IN_A_CHECK = {
    Blame.CANISTER: Outcome.FAILED,
    Blame.INTERFACE: Outcome.NOT_APPLICABLE,
    Blame.NETWORK: Outcome.ERROR,
    Blame.HARNESS: Outcome.ERROR,
}


def fail(error):
    raise error


@pytest.mark.parametrize(("error", "who"), [*TABLE, *UPLOADS], ids=repr)
def test_blame(error, who):
    """Each kind of error has one responsible party, and an upload's failure that of its cause."""
    assert blame(error) is who


@pytest.mark.parametrize(("error", "who"), [*TABLE, *UPLOADS], ids=repr)
def test_checks_assertions_and_stages_agree(error, who):
    """The same error results in the same outcome wherever it occurs."""
    direct = run_check(check(lambda _: fail(error)), context()).outcome
    asserted = run_check(check(lambda _: accepted("it", lambda: fail(error))), context()).outcome
    staged = run_stage("Stage", lambda _: fail(error), Acceptances((), TODAY)).outcome
    assert {direct, asserted, staged} == {IN_A_CHECK[who]}
