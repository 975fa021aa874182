"""What the fixture `clock` returns: the time of the network."""

from __future__ import annotations

from datetime import datetime, timedelta

from ic_harness.errors import InputError
from ic_harness.networks import Network
from ic_harness.units import SECOND


class Clock:
    """The network's time, which jumps when it is moved; afterwards everything that is due has run."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def now_ns(self) -> int:
        """The time in nanoseconds since the Unix epoch."""
        return self._network.time_ns()

    def advance(self, seconds: float | timedelta, *, step: float | None = None) -> None:
        """Move the time forward, and run rounds until no timer is due and no call is under way.

        The time jumps: a timer that was due several times fires as often as the canister's library catches up.
        With `step` the time moves by that many seconds at a time, so that a timer fires whenever it is due.
        Raises `InputError` for a negative time, `NetworkError` for canisters that never come to rest.
        """
        total = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if total < 0 or (step is not None and step <= 0):
            raise InputError(f"time goes forward only: advance({total:g}, step={step})")
        left_ns = int(total * SECOND)
        step_ns = left_ns if step is None else max(1, int(step * SECOND))
        self._move(min(step_ns, left_ns))
        left_ns -= min(step_ns, left_ns)
        while left_ns > 0:
            self._move(min(step_ns, left_ns))
            left_ns -= step_ns

    def _move(self, by_ns: int) -> None:
        self._network.advance_time(by_ns)
        self._settle()

    def set(self, time: datetime | int) -> None:
        """Make this the present time, and run what is due: a `datetime` with a time zone, or ns since 1970.

        Raises `InputError` for a `datetime` without a time zone, `ReplicaError` or `NetworkError` for the past.
        """
        if isinstance(time, datetime):
            if time.tzinfo is None:
                raise InputError(f"{time} has no time zone: pass one, such as datetime.UTC")
            since = time - datetime.fromtimestamp(0, time.tzinfo)
            time = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000
        self._network.set_time(time)
        self._settle()

    def tick(self, rounds: int = 1) -> None:
        """Run so many rounds, whether there is work or not."""
        for _ in range(rounds):
            self._network.tick()

    def _settle(self) -> None:
        self._network.tick()  # heartbeats too, which run in rounds that are asked for
        self._network.settle()
