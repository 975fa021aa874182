"""Tasks on threads for Wasm: each caller gets the result of its own task, however many run."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

import pytest

from ic_harness import processors, waiting
from ic_harness.replica.execution import SharedProcessor, Task, WasmThreads
from ic_harness.replica.execution.threads import _Worker


@pytest.fixture
def pool():
    threads = WasmThreads("test", 4)
    yield threads
    threads.close()


@pytest.fixture(params=["event", "lock"])
def main_bell(request, monkeypatch):
    """The main thread waits for an event of the system, or in a lock as it does where there is none."""
    if request.param == "lock":
        monkeypatch.setattr(waiting.HERE, "bell", waiting.Bell(waiting.SLICE_S))


@pytest.mark.usefixtures("main_bell")
def test_many_tasks_of_many_callers(pool):
    """Eight callers, the main thread among them, get the results of their own tasks."""

    def call(first):
        found[first] = [pool.run(Task(partial(int, n))) for n in range(first, first + 1_000)]

    found: dict[int, list[int]] = {}
    callers = [threading.Thread(target=call, args=[number * 10_000]) for number in range(1, 8)]
    for thread in callers:
        thread.start()
    call(0)
    for thread in callers:
        thread.join(60)
    assert found == {first: [*range(first, first + 1_000)] for first in range(0, 80_000, 10_000)}


@pytest.mark.usefixtures("main_bell")
def test_a_task_that_ends_later_than_others(pool):
    """While the main thread waits for one task, others that it made end: it goes on waiting."""
    let_go = threading.Event()
    last = Task(lambda: let_go.wait(60))
    pool.submit(last)
    others = [Task(int) for _ in range(50)]

    def run_others():
        for task in others:
            task.run()
        let_go.set()

    running = threading.Thread(target=run_others)
    running.start()
    assert last.result()
    assert [task.result() for task in others] == [0] * 50
    running.join(60)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no such signal")
@pytest.mark.usefixtures("main_bell")
def test_a_handler_that_waits_while_its_thread_waits(pool):
    """The wait of a signal's handler, within that of the main thread, takes nothing away from it."""
    begun, handled = threading.Event(), []

    def handle(*_):
        handled.append(pool.run(Task(lambda: "inner")))
        begun.set()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for _ in range(20):
            begun.clear()

            def outer():
                os.kill(os.getpid(), signal.SIGUSR1)
                return begun.wait(60)

            assert pool.run(Task(outer))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == ["inner"] * 20


def test_an_error_of_the_task_is_raised_where_it_is_waited_for(pool):
    def fail():
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        pool.run(Task(fail))


def test_threads_rest_and_go_on(pool):
    for _ in range(20):
        assert pool.run(Task(lambda: 1)) == 1
        pool.rest()
    named = [thread for thread in threading.enumerate() if thread.name == "test"]
    for thread in named:
        thread.join(60)
        assert not thread.is_alive()


def interrupt(*_):
    raise KeyboardInterrupt


def wake_by_half(worker):
    worker.rests = False
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name", "action"),
    [(SharedProcessor, "share", interrupt), (_Worker, "go_on", wake_by_half)],
    ids=["before", "in"],
)
def test_an_interrupt_when_the_thread_is_woken(pool, monkeypatch, place, name, action):
    """The task is skipped, and the thread that was chosen for it stays usable: there are four for ten interrupts."""
    ran: list[int] = []
    pool.run(Task(int))
    original = getattr(place, name)
    for number in range(10):
        task = Task(partial(ran.append, number))
        moments = iter([action])
        monkeypatch.setattr(place, name, lambda it, moments=moments: next(moments, original)(it))
        with pytest.raises(KeyboardInterrupt):
            pool.run(task)
        monkeypatch.setattr(place, name, original)
        assert task.abandoned
        assert pool.run(Task(lambda: 1)) == 1
    assert not ran


@pytest.mark.skipif(
    not processors.CAN_PIN or len(processors.allowed(0)) < 2,
    reason="threads cannot be pinned here, or there is one processor",
)
def test_tasks_are_not_pinned(pool):
    """A thread shares the processor of the main thread only while it waits for it, and that of others never."""
    free = processors.allowed(0)

    def look():
        return threading.get_native_id(), processors.allowed(0)

    assert pool.run(Task(look))[1] == free
    for _ in range(50):
        worker, seen = pool.run(Task(look))
        assert seen == free == processors.allowed(0)
    ends = time.monotonic() + 60
    while len(processors.allowed(worker)) > 1:
        assert time.monotonic() < ends
        processors.give_way()  # it has not gone to sleep yet
    others = []
    other = threading.Thread(target=lambda: others.append(pool.run(Task(look))))
    other.start()
    other.join()
    assert others == [(worker, free)]
    assert processors.allowed(worker) == free
    task = Task(look)
    pool.run(Task(look))
    pool.submit(task)
    assert task.result() == (worker, free)
