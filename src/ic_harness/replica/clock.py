"""The one door to time. Certificates, query signatures and canisters all read the same clock.

Interface specification, "Time": monotone across messages. Agents compare it with their own clock and accept
five minutes of difference, so by default it follows real time; a shift moves it, a manual clock replaces it.
"""

from __future__ import annotations

import time
from typing import Protocol

from ic_harness.errors import ReplicaError


def monotonic_s() -> float:
    """Real time for measuring how long something takes, in seconds; not the network's time."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let real time pass; nothing for zero or less."""
    if seconds > 0:
        time.sleep(seconds)


class Clock(Protocol):
    """What a replica asks for the time, in nanoseconds since the Unix epoch."""

    def now_ns(self) -> int:
        """Give the present time."""

    def set_ns(self, value: int) -> None:
        """Make `value` the present time."""

    @property
    def ticks(self) -> bool:
        """Whether time goes on by itself, so that waiting for a timer makes sense."""

    def mark(self) -> int:
        """Remember how the clock is set, for `reset`."""

    def reset(self, mark: int) -> None:
        """Set the clock as it was at a mark; one that goes on by itself has gone on since."""


class SystemClock:
    """Real time plus a shift that `set_ns` changes."""

    ticks = True

    def __init__(self, shift_ns: int = 0) -> None:
        self.shift_ns = shift_ns

    def now_ns(self) -> int:
        """Give the present time."""
        return time.time_ns() + self.shift_ns

    def set_ns(self, value: int) -> None:
        """Shift the clock so that `value` is now; it goes on from there."""
        self.shift_ns = value - time.time_ns()

    def mark(self) -> int:
        """Give the shift."""
        return self.shift_ns

    def reset(self, mark: int) -> None:
        """Take an earlier shift."""
        self.shift_ns = mark


class ManualClock:
    """Stands still until it is set; tests that compare state hashes use it."""

    ticks = False

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000) -> None:
        if start_ns < 0:
            raise ReplicaError(f"a time cannot be negative: {start_ns} ns")
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Give the time that was set last."""
        return self._now_ns

    def set_ns(self, value: int) -> None:
        """Make `value` the present time."""
        self._now_ns = value

    def mark(self) -> int:
        """Give the time."""
        return self._now_ns

    def reset(self, mark: int) -> None:
        """Take an earlier time."""
        self._now_ns = mark
