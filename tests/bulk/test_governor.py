"""Flow control: windows, the gate that a 429 closes for all, a network that is away. The clock is the test's."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.bulk import Limits
from ic_capsule.bulk.governor import CHUNK, Governor, Room
from ic_harness.errors import BackendError, HttpStatusError, TransportError


class Bench:
    """A governor whose sleeps only move its clock, and what it said."""

    def __init__(self, probe=None, **limits):
        self.now = 0.0
        self.slept = []
        self.told: list = []
        self.governor = Governor(
            Limits(**limits),
            probe or self.there,
            lambda kind, data: self.told.append((kind, data)),
            clock=lambda: self.now,
            sleep=self.sleep,
            dice=lambda _low, high: high,
        )

    async def there(self):
        """A network that answers."""

    async def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    async def call(self, make, *, size=0, update=True, again=True):
        """Make a call."""
        return await self.governor.call(make, size=size, update=update, again=again)


def failing(*errors):
    """A call that raises these errors, one each time, and then answers."""
    left = list(errors)

    async def make():
        if left:
            raise left.pop(0)
        return "answer"

    return make


def busy(seconds=None, status=429):
    """A refusal that asks for a wait."""
    error = HttpStatusError(status, "slow down")
    error.retry_after_s = seconds
    return error


def test_a_refused_call_waits_as_long_as_it_is_told():
    """The same call is made again after `Retry-After` and a little more; the file does not see it."""

    async def main():
        bench = Bench()
        assert await bench.call(failing(busy(30))) == "answer"
        assert bench.now == pytest.approx(31)
        assert bench.told[0][0] == "paused"

    asyncio.run(main())


def test_the_gate_is_closed_for_all_lanes():
    """While one lane waits because of a 429, no other lane sends."""

    async def main():
        bench = Bench()
        with pytest.raises(HttpStatusError):
            await bench.governor._timed(failing(busy(30)), 0, update=True)
        bench.governor._close_gate(busy(30))
        assert await bench.call(failing()) == "answer"
        assert bench.now >= 30

    asyncio.run(main())


def test_refusals_without_a_time_wait_longer_each_time():
    """Factor five, until an answer comes."""

    async def main():
        bench = Bench()
        assert await bench.call(failing(busy(), busy(), busy(status=503))) == "answer"
        assert bench.slept == [1, 5, 25]

    asyncio.run(main())


def test_a_window_is_halved_by_a_refusal():
    """What the other end had too much of is sent half as wide."""

    async def main():
        bench = Bench(first_calls=32)
        await bench.call(failing(busy(1)))
        assert bench.governor.room.calls.limit == 16

    asyncio.run(main())


def test_a_network_that_is_away_spends_no_tries():
    """One task asks until it is back; the call is then made again, however often it was lost."""

    async def main():
        away = failing(*[TransportError("gone")] * 9)
        bench = Bench(probe=away)
        assert await bench.call(failing(*[TransportError("gone")] * 1)) == "answer"
        assert [kind for kind, _ in bench.told] == ["paused", "resumed"]
        assert max(bench.slept) == 60

    asyncio.run(main())


def test_answers_that_get_lost_are_asked_for_again_and_then_given_up():
    """Where the network is there, a call is made four times."""

    async def main():
        bench = Bench()
        assert await bench.call(failing(*[TransportError("lost")] * 3)) == "answer"
        with pytest.raises(TransportError):
            await bench.call(failing(*[TransportError("lost")] * 4))

    asyncio.run(main())


def test_what_may_not_be_repeated_is_not():
    """A call of an older generation is made once, and its failure told at once."""

    async def main():
        bench = Bench()
        with pytest.raises(TransportError):
            await bench.call(failing(TransportError("lost")), again=False)

    asyncio.run(main())


def test_a_refusal_of_the_backend_is_an_answer():
    """It is raised as it is, and the window does not shrink."""

    async def main():
        bench = Bench(first_calls=8)
        with pytest.raises(BackendError):
            await bench.call(failing(BackendError("NotFound")))
        assert bench.governor.room.calls.limit == 8

    asyncio.run(main())


def test_updates_are_paced_and_queries_are_not():
    """So many at once, then so many a second."""

    async def main():
        bench = Bench(per_second=2.0, burst=4.0)
        for _ in range(6):
            await bench.call(failing())
        assert bench.now == pytest.approx(1.0)
        for _ in range(100):
            await bench.call(failing(), update=False)
        assert bench.now == pytest.approx(1.0)

    asyncio.run(main())


def test_a_bandwidth_limit_holds():
    """Ten chunks at a chunk a second take nine seconds and more."""

    async def main():
        bench = Bench(bytes_per_second=float(CHUNK))
        for _ in range(10):
            await bench.call(failing(), size=CHUNK)
        assert bench.now == pytest.approx(9.0)

    asyncio.run(main())


def test_bytes_and_calls_under_way_are_bounded():
    """Never more than the window, and a chunk that is larger than the window goes alone."""

    async def main():
        room = Room(Limits(first_bytes=2 * CHUNK, most_bytes=2 * CHUNK, first_calls=2, most_calls=2))
        under_way, most = 0, 0

        async def carry(size):
            nonlocal under_way, most
            await room.enter(size)
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            room.leave(size, latency_s=1.0, now=0.0)

        await asyncio.gather(*(carry(CHUNK) for _ in range(12)))
        assert most == 2
        await carry(5 * CHUNK)

    asyncio.run(main())


def test_what_was_begun_first_is_finished_first():
    """Chunks of an earlier file go before those of a later one that came before them."""

    async def main():
        room, order = Room(Limits(first_bytes=CHUNK, most_bytes=CHUNK)), []

        async def carry(rank):
            await room.enter(CHUNK, rank)
            order.append(rank)
            room.leave(CHUNK, latency_s=1.0, now=0.0)

        await room.enter(CHUNK)
        tasks = [asyncio.create_task(carry(rank)) for rank in (3, 1, 2)]
        await asyncio.sleep(0)
        room.leave(CHUNK, latency_s=1.0, now=0.0)
        await asyncio.gather(*tasks)
        assert order == [1, 2, 3]

    asyncio.run(main())


def test_a_cancelled_wait_gives_its_place_away():
    """Room that is granted to a task that was cancelled goes to the next one."""

    async def main():
        room = Room(Limits(first_calls=1, most_calls=1))
        await room.enter(0)
        first, second = asyncio.create_task(room.enter(0)), asyncio.create_task(room.enter(0))
        await asyncio.sleep(0)
        room.leave(0, latency_s=1.0, now=0.0)
        first.cancel()
        await asyncio.wait([first])
        await asyncio.wait_for(second, 5)

    asyncio.run(main())


def test_two_that_need_two_sessions_do_not_wait_for_each_other():
    """Each takes all that it needs, or waits for its turn."""

    async def main():
        governor = Bench(sessions=3).governor

        async def use():
            async with governor.sessions(2):
                await asyncio.sleep(0)

        await asyncio.wait_for(asyncio.gather(*(use() for _ in range(10))), 5)

    asyncio.run(main())


def test_shares_add_up_to_the_whole():
    """Workers together take no more than one would."""
    limits = Limits()
    share = limits.share(4)
    assert 4 * share.most_calls <= limits.most_calls
    assert 4 * share.per_second == pytest.approx(limits.per_second)
