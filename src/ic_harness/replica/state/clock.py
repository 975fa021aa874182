"""The one door to time. Certificates, query signatures and canisters all read the same clock.

Interface specification, "Time": monotone across messages. Agents compare it with their own clock and accept
five minutes of difference, so by default it follows real time; a shift moves it, a manual clock replaces it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from ic_harness.errors import ReplicaError
from ic_harness.text import brief

MAX_TIME: Final = (1 << 63) - 1
"""The latest time, in April 2262. The network counts in 64 bits without a sign, many clients with one."""


def check_time(value: object) -> None:
    """Raise `ReplicaError` unless `value` is a whole number of ns since 1970 that a network can have as its time."""
    if not isinstance(value, int) or not 0 <= value <= MAX_TIME:
        raise ReplicaError(f"a time is a whole number of ns since 1970, 0 to {MAX_TIME}, not {brief(value)}")


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
        """Return the present time."""

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
        self._paused_ns: int | None = None

    def now_ns(self) -> int:
        """Return the present time."""
        return self._real_ns() + self.shift_ns

    def set_ns(self, value: int) -> None:
        """Shift the clock so that `value` is now; it goes on from there."""
        self.shift_ns = value - self._real_ns()

    def _real_ns(self) -> int:
        return time.time_ns() if self._paused_ns is None else self._paused_ns

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let no time pass within the block except by `set_ns`; after it the clock shows real time and the shift."""
        before, self._paused_ns = self._paused_ns, self._real_ns()
        try:
            yield
        finally:
            self._paused_ns = before

    def mark(self) -> int:
        """Return the shift."""
        return self.shift_ns

    def reset(self, mark: int) -> None:
        """Take an earlier shift."""
        self.shift_ns = mark


class ManualClock:
    """Stands still until it is set; tests that compare state hashes use it."""

    ticks = False

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000) -> None:
        check_time(start_ns)
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the time that was set last."""
        return self._now_ns

    def set_ns(self, value: int) -> None:
        """Make `value` the present time."""
        self._now_ns = value

    def mark(self) -> int:
        """Return the time."""
        return self._now_ns

    def reset(self, mark: int) -> None:
        """Take an earlier time."""
        self._now_ns = mark
