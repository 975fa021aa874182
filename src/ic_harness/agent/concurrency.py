"""How many requests may be in flight at once: a limit that learns from what the network answers.

Additive increase, multiplicative decrease, as in TCP: a full window of good answers raises the limit by one,
an overloaded or silent network halves it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from ic_harness.agent.retry import BUSY

FIRST_LIMIT: Final = 16
MAX_LIMIT: Final = 64


class AdaptiveLimit:
    """The rule alone: counts, no waiting."""

    def __init__(self, first: int = FIRST_LIMIT, most: int = MAX_LIMIT) -> None:
        self.limit = float(first)
        self.most = most
        self.in_flight = 0

    def try_start(self) -> bool:
        """Take off when there is room."""
        if self.in_flight >= int(self.limit):
            return False
        self.in_flight += 1
        return True

    def finish(self, status: int | None) -> None:
        """Land; `status` is the HTTP status, None when nothing came back."""
        self.in_flight -= 1
        if status is None or status in BUSY:
            self.limit = max(1.0, self.limit / 2)
        else:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)


class Outcome:
    """Where a driver notes how an exchange ended."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: int | None = None


class Limiter:
    """Threads wait here for room under the limit."""

    def __init__(self, limit: AdaptiveLimit | None = None) -> None:
        self.rule = limit or AdaptiveLimit()
        self._changed = threading.Condition()

    @contextmanager
    def acquire(self) -> Iterator[Outcome]:
        """Wait for room, then fly; note the status on what is given."""
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
    """Tasks of one event loop wait here for room under the limit, first come, first served."""

    def __init__(self, limit: AdaptiveLimit | None = None) -> None:
        self.rule = limit or AdaptiveLimit()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Outcome]:
        """Wait for room, then fly; note the status on what is given."""
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
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Woken and cancelled at once: the place goes to the next one.
                self.rule.in_flight -= 1
                self._wake()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def _wake(self) -> None:
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
            elif self.rule.try_start():
                self._waiting.popleft().set_result(None)
            else:
                return
