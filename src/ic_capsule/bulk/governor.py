"""Flow control of a run: every call of every lane goes through here.

    lane ──▶ gate ──▶ bucket ──▶ window ──▶ call ──▶ good: the window grows
              ▲                               ├────▶ 429, 503: the gate closes for all lanes, the window halves,
              │                               │      the same call is made when the gate has opened
              └── probe answers ◀── probe ◀───┴────▶ nothing came back: is the network there at all?

A call that waits at the gate is not a failed try. So a rate limit, or a network that is cut for ten minutes, delays a
run and spends no attempts. Calls that may be made a second time are made again here; others are left to the upload,
which knows what a lost reply means.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Final, TypeVar

from ic_harness.errors import (
    CallError,
    CallTimeoutError,
    ClockError,
    HarnessError,
    HttpStatusError,
    RejectError,
    TransportError,
)

from .aimd import Window
from .backoff import SCHEDULES
from .buckets import TokenBucket
from .classify import BUSY, SYS_TRANSIENT
from .states import FailureClass

T = TypeVar("T")
CHUNK: Final = 1_800_000
TRIES: Final = 4
"""How often a call is made in all when single answers get lost while the network is there."""
BUSY_PATIENCE_S: Final = 1800.0
"""How long one call waits at the gate because of 429 or 503 before its file goes back to the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may take of a network.

    Bytes and calls under way at first and at most, updates a second with their burst, bytes a second (None: no limit),
    upload sessions that may be open at once.
    """

    first_bytes: int = 6 * CHUNK
    most_bytes: int = 12 * CHUNK
    first_calls: int = 16
    most_calls: int = 64
    per_second: float = 40.0
    burst: float = 80.0
    bytes_per_second: float | None = None
    sessions: int = 96

    def share(self, workers: int) -> Limits:
        """The part of one of several workers."""
        return Limits(
            first_bytes=max(CHUNK, self.first_bytes // workers),
            most_bytes=max(CHUNK, self.most_bytes // workers),
            first_calls=max(1, self.first_calls // workers),
            most_calls=max(1, self.most_calls // workers),
            per_second=self.per_second / workers,
            burst=max(1.0, self.burst / workers),
            bytes_per_second=None if self.bytes_per_second is None else self.bytes_per_second / workers,
            sessions=max(2, self.sessions // workers),
        )


UNPACED: Final = Limits(per_second=1e9, burst=1e9)
"""For a network on this machine: there is no block and no other user to be polite to."""

Told = Callable[[str, dict[str, Any]], None]
"""Called with `paused` or `resumed` and details."""


_Queue = list[tuple[int, int, int, "asyncio.Future[None]"]]
"""A heap of rank, number, size, and the future of the task that waits."""


class Room:
    """Room for chunks, by their bytes, and for all other calls, by their number.

    Tasks wait in the order of their rank: what was begun first is finished first, so that each file is quick.
    """

    def __init__(self, limits: Limits) -> None:
        most, least = limits.most_calls, min(8, limits.most_calls)
        self.calls = Window(limits.first_calls, step=1, floor=least, ceiling=most, patience=3.0)
        self.bytes = Window(limits.first_bytes, step=CHUNK, floor=CHUNK, ceiling=limits.most_bytes)
        self._calls = 0
        self._bytes = 0
        self._chunks: _Queue = []
        self._small: _Queue = []
        self._number = 0

    async def enter(self, size: int, rank: int = 0) -> None:
        """Wait for room for one call of `size` bytes; a lower `rank` goes first."""
        waiting = self._chunks if size else self._small
        if not waiting and self._fits(size):
            self._take(size)
            return
        turn = asyncio.get_running_loop().create_future()
        self._number += 1
        heappush(waiting, (rank, self._number, size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(size)
            raise

    def leave(self, size: int, *, latency_s: float | None, now: float, update: bool = True) -> None:
        """Give room back; `latency_s` is None when the other end was overloaded or silent.

        Each window learns from its own kind of call, for a chunk takes longer than a small update, and a query less.
        """
        if latency_s is not None and not update:
            pass
        elif latency_s is None:
            self.calls.failed(now)
            self.bytes.failed(now)
        elif size:
            self.bytes.succeeded(size, latency_s, now)
        else:
            self.calls.succeeded(1, latency_s, now)
        self._leave(size)

    def _leave(self, size: int) -> None:
        self._calls -= not size
        self._bytes -= size
        for waiting in (self._chunks, self._small):
            while waiting and (waiting[0][3].done() or self._fits(waiting[0][2])):
                _, _, wanted, turn = heappop(waiting)
                if not turn.done():
                    self._take(wanted)
                    turn.set_result(None)

    def _fits(self, size: int) -> bool:
        # Chunks are bounded by their bytes alone: a slow small call must not keep the bandwidth idle.
        if size:
            return not self._bytes or self._bytes + size <= self.bytes.limit
        return self._calls < int(self.calls.limit)

    def _take(self, size: int) -> None:
        self._calls += not size
        self._bytes += size


class Governor:
    """Makes calls within limits; `probe` tells, by raising or not, whether the network is there."""

    def __init__(
        self,
        limits: Limits,
        probe: Callable[[], Awaitable[Any]],
        told: Told,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dice: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.limits = limits
        self.room = Room(limits)
        self._sessions = asyncio.Semaphore(limits.sessions)
        self._sessions_turn = asyncio.Lock()
        self._probe = probe
        self._told = told
        self._clock = clock
        self._sleep = sleep
        self._dice = dice
        self._bucket = TokenBucket(limits.burst, limits.per_second, clock())
        self._pace = limits.bytes_per_second
        self._bytes = TokenBucket(CHUNK, self._pace or 1.0, clock())
        self._open_at = 0.0
        self._busy = 0
        self._prober: asyncio.Task[bool] | None = None

    @asynccontextmanager
    async def sessions(self, count: int) -> AsyncIterator[None]:
        """Hold `count` of the upload sessions that may be open at once."""
        held = 0
        try:
            async with (
                self._sessions_turn
            ):  # one task after the other: two that have half of theirs would wait for ever
                for _ in range(count):
                    await self._sessions.acquire()
                    held += 1
            yield
        finally:
            for _ in range(held):
                self._sessions.release()

    async def call(
        self, make: Callable[[], Awaitable[T]], *, size: int, update: bool, again: bool, rank: int = 0
    ) -> T:
        """Make a call of `size` bytes within the limits; `again` says that it may be made a second time.

        Calls of a lower `rank` go first where there is no room for all.

        Raises what the call raises: what no wait cures, and network failures of calls that may not be made again.
        """
        tries, since = 0, self._clock()
        while True:
            await self._admit(size, update=update)
            try:
                return await self._timed(make, size, update=update, rank=rank)
            except HttpStatusError as error:
                if error.status in BUSY and self._clock() - since < BUSY_PATIENCE_S:
                    self._close_gate(error)
                    continue
                failure: CallError = error
                if error.status < 500 or error.status in BUSY:
                    raise
            except (TransportError, CallTimeoutError, ClockError) as error:
                failure = error
            except RejectError as error:
                if error.reject_code != SYS_TRANSIENT or error.certified:
                    raise
                failure = error
            if await self._was_cut() and again:
                since = self._clock()
                continue  # the network was away: not this call's failure
            tries += 1
            if not again or tries >= TRIES:
                raise failure
            await self._sleep(self._dice(0.0, SCHEDULES[FailureClass.NETWORK].bound(tries)))

    async def _timed(self, make: Callable[[], Awaitable[T]], size: int, *, update: bool, rank: int = 0) -> T:
        await self.room.enter(size, rank)
        started = self._clock()
        latency: float | None = None
        try:
            result = await make()
            latency = self._clock() - started
        except (HttpStatusError, TransportError, CallTimeoutError):
            raise
        except BaseException:
            latency = self._clock() - started  # an answer, if not the wished one; or cancelled by us
            raise
        finally:
            now = self._clock()
            self.room.leave(size, latency_s=latency, now=now, update=update)
        self._busy = 0
        return result

    async def _admit(self, size: int, *, update: bool) -> None:
        """Wait until the gate is open and the buckets have room."""
        while (wait := self._open_at - self._clock()) > 0:
            await self._sleep(wait)
        if self._prober is not None:
            await asyncio.shield(self._prober)
        if update and (wait := self._bucket.owe(1, self._clock())) > 0:
            await self._sleep(wait)
        if self._pace and size and (wait := self._bytes.owe(size, self._clock())) > 0:
            await self._sleep(wait)

    def _close_gate(self, error: HttpStatusError) -> None:
        """Close the gate for all lanes until the time that the network names, or by the schedule of rate limits."""
        now = self._clock()
        if now < self._open_at:
            return  # closed already: the answers of calls that were under way say the same
        self._busy += 1
        if error.retry_after_s is None:
            wait = self._dice(0.0, SCHEDULES[FailureClass.RATE_LIMIT].bound(self._busy))
        else:
            wait = error.retry_after_s + self._dice(0.0, 1.0)
        self._open_at = now + wait
        self._told("paused", {"why": f"HTTP {error.status}", "seconds": round(wait, 3)})

    async def _was_cut(self) -> bool:
        """Whether the network was away; returns when it is back. One task asks for all lanes."""
        if self._prober is None:
            self._prober = asyncio.create_task(self._wait_for_network())
            self._prober.add_done_callback(self._probed)
        return await asyncio.shield(self._prober)

    def _probed(self, _task: asyncio.Task[bool]) -> None:
        self._prober = None

    async def _wait_for_network(self) -> bool:
        attempt = 0
        while True:
            try:
                await self._probe()
            except HarnessError as error:
                attempt += 1
                if attempt == 1:
                    self._told("paused", {"why": f"the network does not answer: {error}"})
                await self._sleep(self._dice(0.1, SCHEDULES[FailureClass.NETWORK].bound(attempt)))
            else:
                if attempt:
                    self._told("resumed", {"why": "the network answers again"})
                return attempt > 0

    async def close(self) -> None:
        """Stop asking whether the network is there."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait([self._prober])
