"""Token buckets: so many at once, so many a minute. Pure: time is given.

`UserBuckets` limits the web interface (100 uploads at once, 10 a minute for each user by default); one `TokenBucket`
bounds how many updates a second a run sends.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CAPACITY: Final = 100
PER_MINUTE: Final = 10.0
CLEANUP_S: Final = 600.0
UNUSED_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a request is allowed; `retry_after` is in whole seconds, None when it is."""

    allowed: bool
    remaining: int
    retry_after: int | None = None


class TokenBucket:
    """`capacity` tokens that come back at `per_second`; `now` is any clock in seconds that does not go back."""

    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self.capacity = capacity
        self.per_second = per_second
        self.tokens = capacity
        self.used_at = now

    def take(self, count: float, now: float) -> float:
        """Take tokens if they are there. Returns 0, or the seconds until they are; nothing is taken then."""
        self._refill(now)
        if self.tokens >= count:
            self.tokens -= count
            return 0.0
        return (min(count, self.capacity) - self.tokens) / self.per_second

    def owe(self, count: float, now: float) -> float:
        """Take tokens even if they are not there yet; returns the seconds until the debt is paid."""
        self._refill(now)
        self.tokens -= count
        return max(0.0, -self.tokens / self.per_second)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self.used_at)
        self.tokens = min(self.capacity, self.tokens + passed * self.per_second)
        self.used_at = max(self.used_at, now)


class UserBuckets:
    """A bucket for each user. Thread-safe; buckets that were not used for an hour are forgotten."""

    def __init__(
        self, clock: Callable[[], float], *, capacity: int = CAPACITY, per_minute: float = PER_MINUTE
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._per_second = per_minute / 60
        self._lock = threading.Lock()
        self._buckets: dict[str, TokenBucket] = {}
        self._cleaned = clock()

    def consume(self, user: str, tokens: int = 1) -> Decision:
        """Take tokens of a user, or say when to ask again. Asking for more than the capacity is never allowed."""
        now = self._clock()
        with self._lock:
            self._clean(now)
            bucket = self._buckets.get(user)
            if bucket is None:
                bucket = self._buckets[user] = TokenBucket(self._capacity, self._per_second, now)
            wait = bucket.take(tokens, now)
            left = int(bucket.tokens)
        if wait == 0.0:
            return Decision(allowed=True, remaining=left)
        return Decision(allowed=False, remaining=left, retry_after=max(1, math.ceil(wait - 1e-9)))

    def __len__(self) -> int:
        return len(self._buckets)

    def _clean(self, now: float) -> None:
        if now - self._cleaned < CLEANUP_S:
            return
        self._cleaned = now
        unused = [user for user, bucket in self._buckets.items() if now - bucket.used_at >= UNUSED_S]
        for user in unused:
            del self._buckets[user]
