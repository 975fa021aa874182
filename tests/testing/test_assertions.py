"""Expectations: what is seen of a broken guarantee, and what it means."""

from __future__ import annotations

from functools import partial

import pytest

from ic_harness.errors import BackendError, RejectError, TransportError, UploadError
from ic_harness.testing.assertions import (
    BrokenGuaranteeError,
    NotApplicableError,
    accepted,
    equal,
    lacks_method,
    refused,
    require,
)

NO_METHOD = RejectError(5, "Canister x has no update method 'f'", "IC0536", method="f")
TRAP = RejectError(5, "Canister trapped: unreachable", "IC0502", method="f")


def fail(error):
    raise error


def test_require_tells_what_and_meaning():
    """What was seen comes first, what it means second."""
    with pytest.raises(BrokenGuaranteeError, match=r"^seen\nmeans$"):
        require(holds=False, what="seen", meaning="means")
    require(holds=True, what="nothing")


def test_equal_tells_where_blobs_differ():
    """Blobs are described by length and first difference, never printed."""
    with pytest.raises(BrokenGuaranteeError, match="different from byte 1 on"):
        equal(b"axc", b"abc", "the blob")
    with pytest.raises(BrokenGuaranteeError, match="expected 3 bytes, got 2"):
        equal(b"ab", b"abc", "the blob")
    with pytest.raises(BrokenGuaranteeError, match="the count: expected 2, got 1"):
        equal(1, 2, "the count")
    equal(b"abc", b"abc", "the blob")


def test_refused_takes_the_right_refusal():
    """The refusals that are named are kept, with their text where one is asked for."""
    with refused("it", "NotFound", "Unauthorized"):
        fail(BackendError("Unauthorized"))
    with refused("it", "InvalidArgument", text="checksum"):
        fail(BackendError("InvalidArgument", "checksum_mismatch"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BackendError("Internal", "oops"), "was refused with Internal: oops, expected NotFound"),
        (TRAP, "made the canister trap: Canister trapped: unreachable"),
        (None, "was accepted, expected NotFound"),
    ],
)
def test_refused_breaks_on_anything_else(error, told):
    """Another refusal, a trap and an acceptance break the guarantee."""
    done = (lambda: None) if error is None else (lambda: fail(error))
    with pytest.raises(BrokenGuaranteeError, match=told), refused("it", "NotFound"):
        done()


def test_refused_wants_the_text():
    """A refusal that does not name the reason breaks the guarantee."""
    with (
        pytest.raises(BrokenGuaranteeError, match="lacks 'checksum'"),
        refused("it", "Internal", text="checksum"),
    ):
        fail(BackendError("Internal", "no"))


def test_accepted_gives_the_result():
    """What is accepted comes back; refusals, traps and failed uploads break the guarantee."""
    assert accepted("it", lambda: 7) == 7
    for error in (BackendError("NotFound"), TRAP, UploadError("no", detail=BackendError("NotFound"))):
        with pytest.raises(BrokenGuaranteeError):
            accepted("it", partial(fail, error))


def test_a_network_that_fails_is_no_fault_of_the_canister():
    """What the network did stays what it is."""
    for error in (TransportError("gone"), UploadError("no", detail=TransportError("gone"))):
        with pytest.raises(type(error)):
            accepted("it", partial(fail, error))


def test_missing_methods_are_not_applicable():
    """A method that the canister does not have cannot break a promise about it."""
    with pytest.raises(NotApplicableError, match="no method f"):
        accepted("it", lambda: fail(NO_METHOD))
    with pytest.raises(NotApplicableError), refused("it", "NotFound"):
        fail(NO_METHOD)
    assert not lacks_method(TRAP)
    assert lacks_method(RejectError(3, "Canister x has no query method 'f'"))
