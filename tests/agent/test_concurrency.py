"""The limit of requests in flight: what it learns, and that nobody is forgotten."""

import asyncio
import threading

from ic_harness.agent.concurrency import MAX_LIMIT, AdaptiveLimit, AsyncLimiter, Limiter


class Turn:
    """Awaiting this lets every other task run once."""

    def __await__(self):
        yield


def test_good_answers_raise_the_limit():
    """A window full of good answers raises the limit by about one, up to the maximum."""
    rule = AdaptiveLimit(first=4)
    for _ in range(4):
        assert rule.try_start()
        rule.finish(200)
    assert 4.8 < rule.limit < 5
    for _ in range(10_000):
        rule.try_start()
        rule.finish(200)
    assert rule.limit == MAX_LIMIT


def test_overload_and_silence_halve_it():
    """429, 503 and no answer halve the limit, never below one; other errors do not."""
    rule = AdaptiveLimit(first=16)
    for status, expected in ((429, 8), (503, 4), (None, 2), (None, 1), (None, 1)):
        rule.try_start()
        rule.finish(status)
        assert rule.limit == expected
    rule.try_start()
    rule.finish(400)
    assert rule.limit > 1


def test_no_more_than_the_limit_take_off():
    """Whoever is too many has to wait."""
    rule = AdaptiveLimit(first=2)
    assert [rule.try_start() for _ in range(3)] == [True, True, False]


def test_threads_wait_their_turn():
    """Never more threads than the limit are inside, and all get through."""
    limiter, most, inside, lock = Limiter(AdaptiveLimit(first=3, most=3)), [0], [0], threading.Lock()

    def work():
        with limiter.acquire() as outcome:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            outcome.status = 200
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] <= 3
    assert limiter.rule.in_flight == 0


def test_tasks_wait_their_turn_and_may_be_cancelled():
    """Cancelled waiters leave no hole: everybody else gets through."""

    async def scenario():
        limiter, done = AsyncLimiter(AdaptiveLimit(first=2, most=2)), []

        async def work(number):
            async with limiter.acquire() as outcome:
                await Turn()
                outcome.status = 200
                done.append(number)

        tasks = [asyncio.ensure_future(work(number)) for number in range(40)]
        await Turn()
        for task in tasks[5:15]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return limiter, done

    limiter, done = asyncio.run(scenario())
    assert sorted(done) == [*range(5), *range(15, 40)]
    assert limiter.rule.in_flight == 0


def test_a_place_given_to_a_cancelled_task_goes_on():
    """A task that is cancelled just when its turn comes passes the turn on."""

    async def scenario():
        limiter = AsyncLimiter(AdaptiveLimit(first=1, most=1))
        reached = []

        async def work(number):
            async with limiter.acquire() as outcome:
                outcome.status = 200
                reached.append(number)

        async with limiter.acquire() as outcome:
            outcome.status = 200
            first, second = (asyncio.ensure_future(work(number)) for number in (1, 2))
            await Turn()
        # The place is the first task's now; it is cancelled before it runs.
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        return reached, limiter.rule.in_flight

    assert asyncio.run(scenario()) == ([2], 0)
