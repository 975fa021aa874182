"""Assertions for checks. Each violation says what was seen and what it means for users of the canister.

Inside `collecting` (which `run_check` enters) a violation is recorded and the check goes on, so that one run
shows all of them. Elsewhere the first violation is raised. What ends a check, or the innermost `part` of it:

- `accepted` that was refused, because the code after it needs the result,
- an error that no assertion foresaw,
- `raise broken(…)`, and any assertion with `fatal=True`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from typing import Any, Final, TypeVar

from ic_harness.errors import BackendError, HarnessError, RejectError
from ic_harness.lazy_dataclass import dataclass

from .blame import Blame, blame, cause_of, lack, lacks_method, no_method
from .guarantees import Severity

T = TypeVar("T")

__all__ = [
    "BrokenGuaranteeError",
    "NotApplicableError",
    "UnmetNeedError",
    "ViolationCollector",
    "accepted",
    "broken",
    "collecting",
    "equal",
    "lacks_method",
    "no_method",
    "part",
    "refused",
    "require",
]


class BrokenGuaranteeError(AssertionError):
    """The canister broke a guarantee.

    `what` was seen (one line), `meaning` is the effect on users, `trace` the backtrace or further lines of the
    canister's error. `severity` replaces the guarantee's severity for this violation; `at_most` limits it.
    `call` is the number of the check's last call when it was seen; 0 before the first.
    """

    def __init__(
        self,
        what: str,
        meaning: str = "",
        *,
        severity: Severity | None = None,
        at_most: Severity | None = None,
    ) -> None:
        self.what, _, self.trace = what.strip().partition("\n")
        self.meaning = meaning
        self.severity = severity
        self.at_most = at_most
        self.call = 0
        super().__init__(f"{self.what}\n{meaning}" if meaning else self.what)


class NotApplicableError(Exception):
    """This canister's interface cannot express the guarantee; the text says why."""


class UnmetNeedError(Exception):
    """The network cannot do what the check needs; the text names it."""


@dataclass
class ViolationCollector:
    """Collects the violations of a running check; `calls` returns the number of calls made so far."""

    calls: Callable[[], int] = lambda: 0
    violations: list[BrokenGuaranteeError] = field(default_factory=list)
    inapplicable: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """Why a part of the check could not be finished, although a violation was found before."""

    def add(self, error: BrokenGuaranteeError) -> None:
        """Record a violation; the same sentence is recorded once."""
        if error.what not in {known.what for known in self.violations}:
            error.call = self.calls()
            self.violations.append(error)

    def end(self, error: Exception, known: int = 0) -> bool:
        """Record the error that ended a part of the check; False when it is neither foreseen nor the canister's.

        An unforeseen refusal is a violation; after another violation of the same part (`known` are older) it is
        most likely its consequence, and recorded as the reason why the part was not finished.
        """
        if isinstance(error, BrokenGuaranteeError):
            self.add(error)
        elif isinstance(error, NotApplicableError):
            self.inapplicable.append(str(error))
        elif isinstance(error, UnmetNeedError):
            self.unmet.append(str(error))
        elif (who := blame(error)) is Blame.INTERFACE:
            self.inapplicable.append(lack(error))
        elif who is not Blame.CANISTER:
            return False
        elif len(self.violations) > known:
            self.unfinished.append(str(error))
        else:
            self.add(broken(str(error), _UNFORESEEN))
        return True


_UNFORESEEN: Final = "A call that leads to the guarantee did not succeed, so it cannot be kept."
_COLLECTOR: ContextVar[ViolationCollector | None] = ContextVar("collected", default=None)


@contextmanager
def collecting(calls: Callable[[], int]) -> Iterator[ViolationCollector]:
    """Record violations for the block instead of raising them; threads that the block starts still raise."""
    collected = ViolationCollector(calls)
    token = _COLLECTOR.set(collected)
    try:
        yield collected
    finally:
        _COLLECTOR.reset(token)


@contextmanager
def part() -> Iterator[None]:
    """Mark a part of a check that others do not depend on: what ends it is recorded, and the check goes on.

    Raises errors of the network and of this package, which end the whole check; outside `collecting` every error.
    """
    collected = _COLLECTOR.get()
    if collected is None:
        yield
        return
    known = len(collected.violations)
    try:
        yield
    except (BrokenGuaranteeError, NotApplicableError, UnmetNeedError, HarnessError) as error:
        if not collected.end(error, known):
            raise


def broken(
    what: str,
    meaning: str = "",
    *,
    severity: Severity | None = None,
    at_most: Severity | None = None,
) -> BrokenGuaranteeError:
    """Create the error that reports a broken guarantee; the caller raises it."""
    return BrokenGuaranteeError(what, meaning, severity=severity, at_most=at_most)


def _violated(error: BrokenGuaranteeError, *, fatal: bool = False, cause: Exception | None = None) -> None:
    """Record a violation and go on where a check collects them; else, and when it is fatal, raise it."""
    collected = _COLLECTOR.get()
    if fatal or collected is None:
        raise error from cause
    collected.add(error)


def require(
    holds: object, what: str, meaning: str = "", *, severity: Severity | None = None, fatal: bool = False
) -> None:
    """Report a violation unless `holds` is true."""
    if not holds:
        _violated(broken(what, meaning, severity=severity), fatal=fatal)


def equal(
    actual: Any,
    expected: Any,
    what: str,
    meaning: str = "",
    *,
    severity: Severity | None = None,
    fatal: bool = False,
) -> None:
    """Report a violation unless both are equal; of blobs, only length and first difference are shown."""
    if actual == expected:
        return
    if isinstance(actual, bytes) and isinstance(expected, bytes):
        seen = f"{what}: {_difference(actual, expected)}"
    else:
        seen = f"{what}: expected {_shown(expected)}, got {_shown(actual)}"
    _violated(broken(seen, meaning, severity=severity), fatal=fatal)


def _shown(value: Any) -> str:
    """Write a value for a sentence: blobs in hex, and nothing longer than a line."""
    text = f"0x{value.hex()}" if isinstance(value, bytes) else repr(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


_WIDTH: Final = 200


def _difference(actual: bytes, expected: bytes) -> str:
    if len(actual) != len(expected):
        return f"expected {len(expected)} bytes, got {len(actual)}"
    offset = next(i for i, pair in enumerate(zip(actual, expected, strict=True)) if pair[0] != pair[1])
    return f"{len(actual)} bytes, different from byte {offset} on"


@contextmanager
def refused(
    what: str, *tags: str, meaning: str = "", text: str | None = None, fatal: bool = False
) -> Iterator[None]:
    """Expect the block's call to be refused with one of the `Error` tags; a trap or an `Ok` is a violation.

    `what` completes "… was accepted"; `text` must occur in the error's text where it is given. A refusal of
    another kind, or a trap, changes nothing in the canister and is of medium severity at most. `fatal` ends the
    part when the call was accepted.
    """
    wanted = " or ".join(tags)
    try:
        yield
    except BackendError as error:
        if error.tag not in tags:
            seen = f"{what} was refused with {error.message}, expected {wanted}"
        elif text is not None and text not in (error.detail or ""):
            seen = f"{what}: {error.message} lacks {text!r}"
        else:
            return
        _violated(broken(seen, _REFUSED_OTHERWISE, at_most=Severity.MEDIUM), cause=error)
    except RejectError as error:
        who = blame(error)
        if who is Blame.INTERFACE:
            raise NotApplicableError(no_method(error)) from error
        if who is not Blame.CANISTER:
            raise
        seen = f"{what} made the canister trap: {error.reject_message}"
        _violated(broken(seen, _TRAPPED, at_most=Severity.MEDIUM), cause=error)
    else:
        _violated(broken(f"{what} was accepted, expected {wanted}", meaning), fatal=fatal)


_TRAPPED: Final = "A refusal must be an Err, never a trap: clients cannot tell a trap from a crash."
_REFUSED_OTHERWISE: Final = "Access was refused, but clients decide by the kind of the error what to do next."


def accepted(what: str, call: Callable[[], T], meaning: str = "", *, severity: Severity | None = None) -> T:
    """Expect `call` to succeed and return its result; a refusal or trap is a violation that ends the part."""
    try:
        return call()
    except HarnessError as error:
        cause = cause_of(error)
        match blame(error):
            case Blame.INTERFACE:
                raise NotApplicableError(lack(error)) from error
            case Blame.CANISTER if error is not cause:
                raise broken(f"{what} failed: {error}", meaning, severity=severity) from error
            case Blame.CANISTER:
                seen = f"{what} {_how(cause)}"
                raise broken(seen, meaning, severity=severity) from error
        raise


def _how(error: BaseException) -> str:
    if isinstance(error, BackendError):
        return f"was refused: {error.message}"
    if isinstance(error, RejectError):
        return f"was rejected: {error.reject_message}"
    return f"failed: {error}"
