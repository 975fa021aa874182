"""From an error to its class: what a failure means for the next try. Pure.

invalid      the file or the request is at fault; the same again fails again: dead at once
rate_limit   the other end has too much to do; waiting helps, and spends no try while it says so
network      nothing came back, or too late
server       the canister or the subnet failed
unknown      everything else
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ic_harness.errors import (
    BackendError,
    CallError,
    CallTimeoutError,
    ClockError,
    HttpStatusError,
    InputError,
    NotInGenerationError,
    ProtocolError,
    RejectError,
    TransportError,
    UploadError,
)
from ic_harness.text import one_line

from .states import FailureClass

BUSY: Final = frozenset({429, 503})
SYS_TRANSIENT: Final = 2
"""Reject code: the same call may succeed later (interface specification, "Reject codes")."""
_MOST_TEXT: Final = 500
_INVALID_TAGS: Final = frozenset(
    {"InvalidArgument", "Unauthorized", "NotFound", "NotImplemented", "Conflict", "ResourceExhausted"}
)
_CLASSES: Final = (
    ((NotInGenerationError, InputError), FailureClass.INVALID),
    ((TransportError, CallTimeoutError, ClockError), FailureClass.NETWORK),
    ((RejectError, ProtocolError), FailureClass.SERVER),
    ((FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError), FailureClass.INVALID),
)
"""Classes by the type of an error; the first that fits."""


class ChangedError(InputError):
    """A file was changed or removed after it was added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed try: its class, text, and what `Retry-After` asked for. `counts` False: it spends no try."""

    cls: FailureClass
    text: str
    retry_after_s: float | None = None
    counts: bool = True


def classify(error: BaseException) -> Failure:
    """The class of an error; of a group that of the cause that says most."""
    cause = root_cause(error)
    text = one_line(str(cause) or type(cause).__name__, _MOST_TEXT)
    cls = _class_of(cause)
    if cls is FailureClass.UNKNOWN and not isinstance(cause, CallError):
        text = one_line(f"{type(cause).__name__}: {cause}", _MOST_TEXT)
    busy = isinstance(cause, HttpStatusError) and cause.status in BUSY
    return Failure(
        cls=cls,
        text=text,
        retry_after_s=cause.retry_after_s if isinstance(cause, HttpStatusError) else None,
        counts=not busy,
    )


def root_cause(error: BaseException) -> BaseException:
    """The error that says most: the cause of a failed upload, and of several errors the one about the file."""
    if isinstance(error, BaseExceptionGroup):
        causes = [root_cause(inner) for inner in error.exceptions]
        return next((cause for cause in causes if isinstance(cause, InputError)), causes[0])
    if isinstance(error, UploadError) and isinstance(error.detail, Exception):
        return root_cause(error.detail)
    return error


def _class_of(cause: BaseException) -> FailureClass:
    if isinstance(cause, HttpStatusError):
        if cause.status in BUSY:
            return FailureClass.RATE_LIMIT
        return FailureClass.SERVER if cause.status >= 500 else FailureClass.UNKNOWN
    if isinstance(cause, BackendError):
        if (cause.tag, cause.method) == ("ResourceExhausted", "uploads_begin"):
            return FailureClass.RATE_LIMIT  # too many open sessions: they end, unlike a quota
        return FailureClass.INVALID if cause.tag in _INVALID_TAGS else FailureClass.SERVER
    return next((cls for kinds, cls in _CLASSES if isinstance(cause, kinds)), FailureClass.UNKNOWN)
