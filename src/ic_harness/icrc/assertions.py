"""Assertions and errors of checks: broken guarantees, and reasons why one cannot be judged."""

from __future__ import annotations

from typing import Any, Final

from ic_harness.text import brief, one_line

from .responses import Response, number

_WIDTH: Final = 200
_SENTENCE: Final = 1000


class BrokenError(AssertionError):
    """The ledger broke a guarantee; the text says how."""


class NotApplicableError(Exception):
    """The ledger's interface cannot express a guarantee; the text says why."""


class UnmetError(Exception):
    """The network or the suite's configuration lacks something that a check needs; the text names it."""


def require(holds: object, what: str) -> None:
    """Raise `BrokenError` unless `holds` is true."""
    if not holds:
        raise BrokenError(one_line(what, _SENTENCE))


def equal(actual: Any, expected: Any, what: str) -> None:
    """Raise `BrokenError` unless both are equal."""
    require(actual == expected, f"{what}: expected {_shown(expected)}, got {_shown(actual)}")


def answers(answer: Response, tag: str, what: str, value: int | None = None) -> None:
    """Raise `BrokenError` unless the ledger answered with `tag`, and with `value` where one is given."""
    wanted = Response(tag, value)
    right = answer.tag == tag and (value is None or answer.value == value)
    require(right, f"{what}: expected {wanted}, got {answer}")


def _shown(value: Any) -> str:
    """Write a value that a ledger returned: on one line, however long it is."""
    if type(value) is int:
        return number(value)
    try:
        return one_line(repr(value), _WIDTH)
    except ValueError:  # an integer in it is too long for Python to write
        return brief(value)
