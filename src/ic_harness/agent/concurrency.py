"""Limits the requests in flight; the limit adapts to the responses of the network.

Additive increase, multiplicative decrease, as in TCP: a full window of good responses raises the limit
by one, an overloaded or silent network halves it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from ic_harness.agent.retry import BUSY
from ic_harness.lazy_dataclass import dataclass

if TYPE_CHECKING:
    import asyncio

FIRST_LIMIT: Final = 16
MAX_LIMIT: Final = 64


class AdaptiveLimit:
    """The rule alone: counts without waiting."""

    def __init__(self, first: int = FIRST_LIMIT, most: int = MAX_LIMIT) -> None:
        self.limit = float(first)
        self.most = most
        self.in_flight = 0

    def try_start(self) -> bool:
        """Count a request; False when the limit is reached."""
        if self.in_flight >= int(self.limit):
            return False
        self.in_flight += 1
        return True

    def finish(self, status: int | None) -> None:
        """Count the end of a request; `status` is the HTTP status, None without a response."""
        self.in_flight -= 1
        if status is None or status in BUSY:
            self.limit = max(1.0, self.limit / 2)
        else:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)


@dataclass(slots=True)
class Outcome:
    """Holds the HTTP status of an exchange; None without a response."""

    status: int | None = None


class Limiter:
    """Blocks threads while the limit is reached."""

    def __init__(self, limit: AdaptiveLimit | None = None) -> None:
        self.rule = limit or AdaptiveLimit()
        self._changed = threading.Condition()

    @contextmanager
    def acquire(self) -> Iterator[Outcome]:
        """Wait for a place under the limit; set `status` on the outcome before leaving."""
        outcome = Outcome()
        with self._changed:
            self._changed.wait_for(self.rule.try_start)
        try:
            yield outcome
        finally:
            with self._changed:
                self.rule.finish(outcome.status)
                self._changed.notify_all()


class AsyncLimiter:
    """Suspends tasks of one event loop while the limit is reached, first come, first served."""

    def __init__(self, limit: AdaptiveLimit | None = None) -> None:
        self.rule = limit or AdaptiveLimit()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Outcome]:
        """Wait for a place under the limit; set `status` on the outcome before leaving."""
        outcome = Outcome()
        await self._start()
        try:
            yield outcome
        finally:
            self.rule.finish(outcome.status)
            self._wake()

    async def _start(self) -> None:
        if not self._waiting and self.rule.try_start():
            return
        import asyncio  # lazy: start-up time of synchronous programs  # noqa: PLC0415

        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                # Woken and cancelled at once: the place goes to the next task.
                self.rule.in_flight -= 1
                self._wake()
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    def _wake(self) -> None:
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
            elif self.rule.try_start():
                self._waiting.popleft().set_result(None)
            else:
                return
