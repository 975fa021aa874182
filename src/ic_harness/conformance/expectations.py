"""What checks assert: each failure says what happened and what it means for the users of the canister."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ic_harness.errors import (
    BackendError,
    CandidError,
    NotInGenerationError,
    RejectError,
    UnknownBackendError,
    UploadError,
)

T = TypeVar("T")
REFUSALS: Final = (
    BackendError,
    RejectError,
    NotInGenerationError,
    UnknownBackendError,
    CandidError,
    UploadError,
)
"""Errors by which the canister itself says no; every other error is the network's or ours."""
_NO_METHOD: Final = frozenset({"IC0536", "IC0302"})
"""How networks say, today and formerly, that a canister has no such method."""


class BrokenGuaranteeError(AssertionError):
    """The canister broke a guarantee: `what` was seen, `meaning` is what it does to users."""

    def __init__(self, what: str, meaning: str) -> None:
        self.what = what
        self.meaning = meaning
        super().__init__(f"{what}\n{meaning}" if meaning else what)


class NotApplicableError(Exception):
    """This canister's interface cannot express the guarantee; the text says why."""


class UnmetNeedError(Exception):
    """The network cannot do what the check needs; the text names it."""


def lacks_method(error: RejectError) -> bool:
    """Whether a call was rejected because the canister has no such method, not because of what was asked."""
    texts = ("has no update method", "has no query method")
    return error.error_code in _NO_METHOD or any(text in error.reject_message for text in texts)


def no_method(error: RejectError) -> str:
    """Say that the interface of the canister is too small for a check."""
    return f"the canister has no method {error.method}"


def broken(what: str, meaning: str = "") -> BrokenGuaranteeError:
    """Make the error that reports a broken guarantee; the caller raises it."""
    return BrokenGuaranteeError(what, meaning)


def require(holds: object, what: str, meaning: str = "") -> None:
    """Report a broken guarantee unless `holds` is true."""
    if not holds:
        raise broken(what, meaning)


def equal(actual: Any, expected: Any, what: str, meaning: str = "") -> None:
    """Report a broken guarantee unless both are equal; blobs are told by length and first difference."""
    if actual == expected:
        return
    if isinstance(actual, bytes) and isinstance(expected, bytes):
        raise broken(f"{what}: {_difference(actual, expected)}", meaning)
    raise broken(f"{what}: expected {expected!r}, got {actual!r}", meaning)


def _difference(actual: bytes, expected: bytes) -> str:
    if len(actual) != len(expected):
        return f"expected {len(expected)} bytes, got {len(actual)}"
    offset = next(i for i, pair in enumerate(zip(actual, expected, strict=True)) if pair[0] != pair[1])
    return f"{len(actual)} bytes, different from byte {offset} on"


@contextmanager
def refused(what: str, *tags: str, meaning: str = "", text: str | None = None) -> Iterator[None]:
    """Expect the block's call to be refused with one of the `Error` tags; a trap or an `Ok` breaks it.

    `what` completes "… was accepted"; `text` must stand in the error's text where it is given.
    """
    wanted = " or ".join(tags)
    try:
        yield
    except BackendError as error:
        require(error.tag in tags, f"{what} was refused with {error.message}, expected {wanted}", meaning)
        require(
            text is None or text in (error.detail or ""), f"{what}: {error.message} lacks {text!r}", meaning
        )
    except RejectError as error:
        if lacks_method(error):
            raise NotApplicableError(no_method(error)) from error
        raise broken(
            f"{what} made the canister trap: {error.reject_message}",
            "A refusal must be an Err, never a trap.",
        ) from error
    else:
        raise broken(f"{what} was accepted, expected {wanted}", meaning)


def accepted(what: str, call: Callable[[], T], meaning: str = "") -> T:
    """Expect `call` to succeed; any refusal or trap breaks the guarantee. Gives its result."""
    try:
        return call()
    except BackendError as error:
        raise broken(f"{what} was refused: {error.message}", meaning) from error
    except RejectError as error:
        if lacks_method(error):
            raise NotApplicableError(no_method(error)) from error
        raise broken(f"{what} was rejected: {error.reject_message}", meaning) from error
    except UploadError as error:
        if not isinstance(error.detail, BackendError | RejectError):
            raise
        raise broken(f"{what} failed: {error}", meaning) from error
