"""A window that learns how much may be under way: additive increase, multiplicative decrease. Pure: time is given.

a full window of good answers      + step
429, 503, a timeout                x 1/2, at most once a round trip
answers take twice the best        hold: the queue at the other end grows, not the throughput
"""

from __future__ import annotations

from collections import deque
from typing import Final

_BEST_OF_S: Final = 60.0
_RECENT: Final = 8


class Window:
    """How much (bytes, calls) may be under way; `now` is any clock in seconds that does not go back.

    `patience` says how many times as long as the best of the last minute answers may take before the window narrows.
    """

    def __init__(
        self, first: float, *, step: float, floor: float, ceiling: float, patience: float = 2.0
    ) -> None:
        self.limit = min(max(first, floor), ceiling)
        self.step = step
        self.floor = floor
        self.ceiling = ceiling
        self.patience = patience
        self._good = 0.0
        self._doubling = True
        self._halved_at = float("-inf")
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._best: deque[tuple[float, float]] = deque()

    def succeeded(self, amount: float, latency_s: float, now: float) -> None:
        """Note a good answer for `amount` that took `latency_s`."""
        self._note(latency_s, now)
        self._good += amount
        if self._good >= self.limit:
            self._good = 0.0
            if self.queued:
                self._doubling = False
                self.limit = max(self.floor, self.limit - self.step)
            else:
                growth = self.limit if self._doubling else self.step
                self.limit = min(self.ceiling, self.limit + growth)

    def failed(self, now: float) -> None:
        """Note that the other end is overloaded or silent."""
        self._doubling = False
        if now - self._halved_at >= self.round_trip_s:
            self.limit = max(self.floor, self.limit / 2)
            self._halved_at = now
            self._good = 0.0

    @property
    def round_trip_s(self) -> float:
        """The median of the latest latencies; 0 before the first."""
        ordered = sorted(self._recent)
        return ordered[len(ordered) // 2] if ordered else 0.0

    @property
    def queued(self) -> bool:
        """Whether answers take longer than patience allows."""
        best = min((latency for _, latency in self._best), default=0.0)
        return len(self._recent) == _RECENT and self.round_trip_s > self.patience * best > 0

    def _note(self, latency_s: float, now: float) -> None:
        self._recent.append(latency_s)
        # A queue of candidates: one that is older and no better can never be the best again.
        while self._best and self._best[-1][1] >= latency_s:
            self._best.pop()
        self._best.append((now, latency_s))
        while now - self._best[0][0] > _BEST_OF_S:
            self._best.popleft()
