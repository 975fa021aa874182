"""Assertions about calls that fail: `reverts` and `trapped`.

    with reverts("not the owner"):
        counter.as_(stranger).reset()

Both are context managers of plain Python; what a failed one shows is the message of the call, not its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import clean

Expected: TypeAlias = str | int | re.Pattern[str] | None
_CODE: Final = re.compile(r"IC\d{4}")
_TRAPS: Final = frozenset({"IC0502", "IC0503"})  # CanisterTrapped, CanisterCalledTrap


@dataclass(slots=True)
class Caught:
    """The reject of a block, once the block has ended."""

    _error: RejectError | None = None

    @property
    def error(self) -> RejectError:
        """The error. Raises `AssertionError` inside of the block, where there is none yet."""
        assert self._error is not None, "the block has not ended yet"
        return self._error

    @property
    def message(self) -> str:
        """What the canister or the network said."""
        return self.error.reject_message


@contextmanager
def reverts(expected: Expected = None) -> Iterator[Caught]:
    """Assert that a call of the block is rejected: by the canister, by a trap, or by the network.

    `expected` is a part of the message, a pattern that is found in it, a reject code (1 to 6), or an error code such
    as `"IC0503"`; None accepts every reject. Raises `AssertionError` when nothing is rejected, or otherwise.
    """
    __tracebackhide__ = True
    caught = Caught()
    try:
        yield caught
    except RejectError as error:
        if not _fits(error, expected):
            raise AssertionError(f"expected a reject with {_shown(expected)}, got: {error}") from error
        caught._error = error  # noqa: SLF001 - ours: set once, read by tests
    else:
        raise AssertionError(f"expected a reject{_with(expected)}, but every call of the block succeeded")


@contextmanager
def trapped(expected: str | re.Pattern[str] | None = None) -> Iterator[Caught]:
    """Assert that a call of the block makes the canister trap, with `expected` in the message.

    A reject by the canister itself, or by a limit of the network such as `IC0522`, is no trap. Raises
    `AssertionError` when nothing traps.
    """
    __tracebackhide__ = True
    with reverts(expected) as caught:
        yield caught
    if not is_trap(caught.error):
        raise AssertionError(f"expected a trap{_with(expected)}, got: {caught.error}") from caught.error


def is_trap(error: RejectError) -> bool:
    """Whether a reject is due to a trap; by the text where the network sends no error code."""
    if error.error_code is not None:
        return error.error_code in _TRAPS
    return error.reject_code == 5 and "trapped" in error.reject_message


def _fits(error: RejectError, expected: Expected) -> bool:
    match expected:
        case None:
            return True
        case int():
            return error.reject_code == expected
        case str() if _CODE.fullmatch(expected):
            return error.error_code == expected
        case str():
            return expected in error.reject_message
    return expected.search(error.reject_message) is not None


def _with(expected: Expected) -> str:
    return "" if expected is None else f" with {_shown(expected)}"


def _shown(expected: Expected) -> str:
    match expected:
        case int():
            return f"reject code {expected}"
        case re.Pattern():
            return f"a message that matches {clean(expected.pattern)!r}"
        case str() if _CODE.fullmatch(expected):
            return f"error code {expected}"
    return f"{clean(str(expected))!r} in its message"
