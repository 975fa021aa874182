"""The fields of admin requests: JSON from any program on this machine, checked before anything is done with it.

Python's JSON reads more than is meant: `1e400` is infinity, `true` is an integer, and numbers, texts and nesting
have no bounds. Every field is read by a function that says in one sentence what it must be.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final

from ic_harness.replica.http.http_messages import HttpProblem
from ic_harness.text import brief, one_line, parse_json

MAX_SECONDS: Final = 3_600.0
"""Longest delay of a fault or of a latency model."""


def json_object(body: bytes) -> Mapping[str, Any]:
    """Read the body: a JSON object, or nothing. Raises `HttpProblem` 400."""
    try:
        value = parse_json(body) if body else {}
    except ValueError as error:
        raise HttpProblem(400, f"The body is no JSON: {one_line(str(error), 200)}") from None
    if not isinstance(value, dict):
        raise HttpProblem(400, "The body must be a JSON object")
    return value


class Fields:
    """The fields of one request; `done` refuses those that nothing asked for. All raise `HttpProblem` 400."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._known: set[str] = set()

    def __contains__(self, name: str) -> bool:
        self._known.add(name)
        return self._values.get(name) is not None

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`."""
        value = self._values[name] if name in self else default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(name, f"a whole number from {low} to {high}")
        return value

    def seconds(self, name: str) -> float:
        """A number of seconds up to `MAX_SECONDS`; 0 without the field."""
        value = self._values[name] if name in self else 0.0
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not 0 <= value <= MAX_SECONDS:
            raise self._wrong(name, f"a number of seconds from 0 to {MAX_SECONDS:.0f}")
        return float(value)

    def choice(self, name: str, words: Collection[str]) -> str:
        """One of some words."""
        value = self._values[name] if name in self else None
        if not isinstance(value, str) or value not in words:
            raise self._wrong(name, f"one of {', '.join(words)}")
        return value

    def text(self, name: str) -> str | None:
        """A text; None without the field."""
        value = self._values[name] if name in self else None
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def is_null(self, name: str) -> bool:
        """Whether the field is there and null."""
        self._known.add(name)
        return name in self._values and self._values[name] is None

    def done(self) -> None:
        """Refuse fields with a name that was not asked for: a misspelt one would have no effect."""
        unknown = [one_line(name, 40) for name in self._values if name not in self._known]
        if unknown:
            names = ", ".join(sorted(self._known)) or "no fields"
            raise HttpProblem(400, f"There is no field {', '.join(unknown[:5])} here; known: {names}")

    def _wrong(self, name: str, wanted: str) -> HttpProblem:
        got = f"got {one_line(brief(self._values[name]), 80)}" if name in self else "it is missing"
        return HttpProblem(400, f"`{name}` must be {wanted}; {got}")
