"""What a comparison found: one entry for each place where the two networks differ."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.call_log import brief
from ic_harness.text import for_log


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference: `kind` is reply, reject, certified data, instructions or installation.

    `place` is the method with the path of the field, such as `get.count`; `first` and `second` are what the networks
    had, as text.
    """

    kind: str
    place: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}: {self.first} | {self.second}"


class Journal:
    """Differences since the last `take`. `ignored` are patterns of places that may differ. Thread-safe."""

    def __init__(self, ignored: Sequence[re.Pattern[str]] = ()) -> None:
        self._ignored = tuple(ignored)
        self._lock = threading.Lock()
        self._found: list[Difference] = []
        self._calls = 0

    def count(self) -> None:
        """Count a call that was compared."""
        with self._lock:
            self._calls += 1

    def note(self, kind: str, place: str, first: Any, second: Any) -> None:
        """Note a difference, unless its place may differ."""
        if any(pattern.search(place) for pattern in self._ignored):
            return
        with self._lock:
            self._found.append(Difference(kind, for_log(place), _text(first), _text(second)))

    def take(self) -> tuple[int, list[Difference]]:
        """Return the number of compared calls and the differences since the last time."""
        with self._lock:
            taken = self._calls, self._found
            self._calls, self._found = 0, []
        return taken


def _text(value: Any) -> str:
    return for_log(value) if isinstance(value, str) else brief(value)
