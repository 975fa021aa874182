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


class WatchedLimit(AdaptiveLimit):
    """Tells when a request was refused a place."""

    def __init__(self, limit):
        super().__init__(first=limit, most=limit)
        self.refused = threading.Event()

    def try_start(self):
        """Count a request as the rule does."""
        started = super().try_start()
        if not started:
            self.refused.set()
        return started


def test_a_thread_beyond_the_limit_waits():
    """The thread that finds all places taken starts when one of the others has left, and not before."""
    rule, entered = WatchedLimit(2), threading.Event()
    limiter = Limiter(rule)

    def work():
        with limiter.acquire():
            entered.set()

    thread = threading.Thread(target=work)
    with limiter.acquire() as first:
        with limiter.acquire() as second:
            first.status = second.status = 200
            thread.start()
            assert rule.refused.wait(60)
            assert not entered.is_set()
        assert entered.wait(60)
    thread.join(60)
    assert rule.in_flight == 0


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


def test_a_cancelled_task_whose_place_is_gone_ends_as_cancelled():
    """A waiting task is cancelled, and the place is freed before the task hears of it."""

    async def scenario():
        limiter = AsyncLimiter(AdaptiveLimit(first=1, most=1))

        async def work():
            async with limiter.acquire():
                raise AssertionError("the task was cancelled before")

        async with limiter.acquire() as outcome:
            outcome.status = 200
            task = asyncio.ensure_future(work())
            await Turn()
            task.cancel()
        return await asyncio.gather(task, return_exceptions=True), limiter.rule.in_flight

    (ended,), in_flight = asyncio.run(scenario())
    assert isinstance(ended, asyncio.CancelledError)
    assert in_flight == 0
