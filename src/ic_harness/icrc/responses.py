"""The response of a ledger to an update, in one type for real ledgers and for the model."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ic_harness.candid import runtime as rt
from ic_harness.errors import RejectError
from ic_harness.text import brief_int, one_line

OK: Final = "Ok"
TRAP: Final = "trap"
_READABLE: Final = 10**80
_TEXT: Final = 300
_NO_METHOD: Final = frozenset({"IC0536", "IC0302"})
_BY_CANISTER: Final = frozenset({4, 5})
"""Reject codes CANISTER_REJECT and CANISTER_ERROR; the others are the network's."""


def number(value: int) -> str:
    """Write a number with thousands separators, or its width where it is too long to read (or for Python to write)."""
    return f"{value:,}" if abs(value) < _READABLE else brief_int(value)


class MissingMethodError(Exception):
    """The ledger does not export a method of the standard; the text names it."""


class Response(NamedTuple):
    """`Ok` with the block index, an error case of the standard with its number, or `trap` with the text.

    `value` is the block index, expected fee, minimum, balance, allowance, ledger time (ns) or error code; None for
    cases without one. `text` is the message of `GenericError` or of a trap.
    """

    tag: str
    value: int | None = None
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the ledger executed the transaction."""
        return self.tag == OK

    def __str__(self) -> str:
        inner = f"({number(self.value)})" if self.value is not None else ""
        return f"{self.tag}{inner}{f': {self.text}' if self.text else ''}"


def read_response(result: rt.Ok[int] | rt.Err[Any]) -> Response:
    """Convert a result of the typed client."""
    if isinstance(result, rt.Ok):
        return Response(OK, result.value)
    case = result.value
    fields = dict(getattr(case, "value", None) or ())
    text = fields.pop("message", "")
    return Response(str(case.candid_key), next(iter(fields.values()), None), one_line(text, _TEXT))


def read_reject(error: RejectError) -> Response:
    """Convert a reject by the canister into `trap`; raise any other one again.

    Raises `MissingMethodError` when the canister has no such method, and the error itself when the network rejected the
    call.
    """
    if error.error_code in _NO_METHOD:
        raise MissingMethodError(f"the ledger has no method {error.method}") from error
    if error.reject_code not in _BY_CANISTER:
        raise error
    return Response(TRAP, text=one_line(error.reject_message.partition("\n")[0], _TEXT))
