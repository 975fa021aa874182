"""The clock of an instance: it rests at the time that was set, or follows real time while the instance is live."""

from __future__ import annotations

from ic_harness.replica import SystemClock


class InstanceClock:
    """A `Clock` of the replica. `follow` lets it go on by itself from the present real time."""

    ticks = False

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns
        self._live: SystemClock | None = None

    def now_ns(self) -> int:
        """Return the present time, ns since 1970; it never goes backwards."""
        live = self._live
        if live is not None:
            self._now_ns = max(self._now_ns, live.now_ns())
        return self._now_ns

    def set_ns(self, value: int) -> None:
        """Make `value` the present time; a live clock goes on from there."""
        self._now_ns = value
        if self._live is not None:
            self._live.set_ns(value)

    def follow(self) -> None:
        """Follow real time; a clock that is ahead of it keeps its lead."""
        live = SystemClock()
        if live.now_ns() < self._now_ns:
            live.set_ns(self._now_ns)
        self._live = live

    def rest(self) -> None:
        """Stand still at the present time."""
        self.now_ns()
        self._live = None

    def mark(self) -> int:
        """Return the present time."""
        return self.now_ns()

    def reset(self, mark: int) -> None:
        """Take an earlier time."""
        self._now_ns = mark
        if self._live is not None:
            self._live.set_ns(mark)
