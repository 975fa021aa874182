"""Decides who is responsible for an error: the canister under test, its interface, the network, or this package.

Every place that turns an error into a verdict (a check, a stage of the gate, an assertion) asks `blame`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from ic_harness.errors import (
    BackendError,
    CandidError,
    HarnessError,
    InputError,
    NotInGenerationError,
    RejectError,
    UnknownBackendError,
    UploadError,
)

_NO_METHOD: Final = frozenset({"IC0536", "IC0302"})
"""Error codes, current and former, of a call to a method that the canister does not export."""
_FROM_THE_CANISTER: Final = frozenset({4, 5})
"""CANISTER_REJECT and CANISTER_ERROR (interface specification, "Reject codes"); the others are the network's."""


class Blame(Enum):
    """Who is responsible for an error."""

    CANISTER = "canister"
    """The canister refused, trapped, or replied with what its interface does not allow."""
    INTERFACE = "interface"
    """The canister, or its generation of the interface, has no such method."""
    NETWORK = "network"
    """The call did not get through, or the reply proves nothing."""
    HARNESS = "harness"
    """Wrong input, or a bug of this package."""


def blame(error: BaseException) -> Blame:
    """Return who is responsible for `error`; for a failed upload, for what made it fail."""
    cause = cause_of(error)
    match cause:
        case NotInGenerationError():
            return Blame.INTERFACE
        case RejectError() if lacks_method(cause):
            return Blame.INTERFACE
        case RejectError():
            return Blame.CANISTER if cause.reject_code in _FROM_THE_CANISTER else Blame.NETWORK
        # An upload without another error as its cause failed because the bytes read back differ from those sent.
        case BackendError() | CandidError() | UnknownBackendError() | UploadError():
            return Blame.CANISTER
        case HarnessError() if not isinstance(cause, InputError):
            return Blame.NETWORK
    return Blame.HARNESS


def cause_of(error: BaseException) -> BaseException:
    """Return the error that made an upload fail; any other error is its own cause."""
    while isinstance(error, UploadError) and isinstance(error.detail, BaseException):
        error = error.detail
    return error


def lacks_method(error: RejectError) -> bool:
    """Whether a call was rejected because the canister has no such method."""
    texts = ("has no update method", "has no query method")
    return error.error_code in _NO_METHOD or any(text in error.reject_message for text in texts)


def no_method(error: RejectError) -> str:
    """Return the sentence that the canister lacks the method of a rejected call."""
    return f"the canister has no method {error.method}"


def lack(error: BaseException) -> str:
    """Return what the canister's interface lacks, where `blame(error)` is `Blame.INTERFACE`."""
    cause = cause_of(error)
    return no_method(cause) if isinstance(cause, RejectError) else str(cause)
