"""Whatever a ledger answers, a check ends with a sentence that can be shown."""

from __future__ import annotations

import pytest

from ic_harness.candid import runtime as rt
from ic_harness.errors import RejectError
from ic_harness.icrc import _generated as icrc
from ic_harness.icrc.assertions import BrokenError, answers, equal
from ic_harness.icrc.responses import MissingMethodError, Response, number, read_reject, read_response

HUGE = 2**20_000
ESCAPE = "\x1b[2Jgone\u202e"


def shown(call, *arguments):
    """What `call` says of what it found."""
    with pytest.raises(BrokenError) as found:
        call(*arguments)
    return str(found.value)


def test_numbers_of_any_length():
    """A number of 6,000 digits is shown by its width."""
    assert number(1_234_567) == "1,234,567"
    assert number(HUGE) == "an integer of 20001 bits"
    assert "20001 bits" in shown(equal, HUGE, 1, "the balance")
    assert "expected" in shown(equal, {"alice": HUGE}, {"alice": 1}, "the balances")
    assert "20001 bits" in shown(answers, Response("InsufficientFunds", HUGE), "Ok", "a transfer")


def test_texts_of_any_kind():
    """Controls and deceiving signs of a ledger's texts are replaced, and long texts cut."""
    error = icrc.TransferErrorGenericError(
        icrc.TransferErrorGenericErrorValue(error_code=1, message=ESCAPE * 10_000)
    )
    answer = read_response(rt.Err(error))
    assert (answer.tag, answer.value) == ("GenericError", 1)
    text = shown(answers, answer, "Ok", "a transfer")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 1000


def test_traps_are_answers():
    """A trap is an answer with the first line of its text."""
    assert read_reject(RejectError(5, f"{ESCAPE}\nbacktrace", "IC0503")).tag == "trap"


def test_other_rejects_are_not():
    """A missing method has its own error, and rejects by the network are raised unchanged."""
    with pytest.raises(MissingMethodError, match="icrc2_approve"):
        read_reject(RejectError(5, "no such method", "IC0536", method="icrc2_approve"))
    with pytest.raises(RejectError, match="busy"):
        read_reject(RejectError(2, "busy"))
