"""A deadline with a clock and a sleep of its own, so that tests need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Final, TypeVar

from ic_harness.lazy_dataclass import dataclass

T = TypeVar("T")

START_S: Final = 120.0
"""How long a network may take to get ready. The first start of icp-cli downloads its launcher."""

STOP_S: Final = 30.0
"""How long a process may take to end when it is asked to; then it is killed."""

FIRST_PAUSE_S: Final = 0.01
LONGEST_PAUSE_S: Final = 0.25


@dataclass(slots=True)
class Deadline:
    """A moment, `seconds` from when the object is made, up to which something is asked for again and again.

    `clock` returns seconds from any start, `sleep` waits seconds.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _end: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return self.clock() >= self._end

    def wait_for(self, ask: Callable[[], T | None]) -> T | None:
        """Ask until there is an answer, at least once; None when there was none in time."""
        pause = FIRST_PAUSE_S
        while (answer := ask()) is None and not self.passed:
            self.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
        return answer
