"""The processor that the main thread shares with the owner: neither keeps it longer than it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import count

import pytest

from ic_harness import processors
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.execution import SharedProcessor, shared_processor
from tests.replica.support import BOB

pytestmark = pytest.mark.skipif(
    not processors.CAN_PIN or len(processors.allowed(0)) < 2,
    reason="threads cannot be pinned here, or there is one processor",
)


@pytest.fixture
def runner(replica):
    return replica.node.runner


@pytest.fixture
def free():
    """The processors that this thread may run on, which every test leaves as they were."""
    before = processors.allowed(0)
    yield before
    assert processors.allowed(0) == before


def here():
    """The processors that the present thread may run on."""
    return processors.allowed(0)


def in_a_thread(action):
    """The result of `action` on a thread that the present one starts."""
    results = []
    thread = threading.Thread(target=lambda: results.append(action()))
    thread.start()
    thread.join()
    return results[0]


def owner_sleeps_on(runner):
    """The processors on which the owner wakes, once it sleeps."""
    ends = time.monotonic() + 60
    while not runner._bell.asleep:
        assert time.monotonic() < ends
        processors.give_way()
    return processors.allowed(runner._thread.native_id)


def test_who_runs_is_free_and_the_owner_sleeps_pinned(runner, free):
    main = threading.get_native_id()
    for _ in range(100):
        seen = runner.call(lambda: (here(), in_a_thread(here), processors.allowed(main)))
        assert seen == (free, free, free), "the owner, a thread that it starts, and the caller"
        assert here() == free
    assert len(owner_sleeps_on(runner)) == 1


def test_the_first_command_is_free(free):
    with Replica(ReplicaConfig(seed=b"test")) as replica:
        assert replica.node.runner.call(lambda: (here(), in_a_thread(here))) == (free, free)


def test_messages_leave_the_caller_free(replica, rust, runner, free):
    for _ in range(20):
        replica.execute_update(BOB, rust.id, "facts_update", b"DIDL\0\0")
        assert here() == free
    assert len(owner_sleeps_on(runner)) == 1


def test_other_threads_are_not_pinned(runner, free):
    """Callers that run side by side share no processor, nor does the owner with them."""
    runner.call(here)
    assert len(owner_sleeps_on(runner)) == 1

    def ask():
        mine = threading.get_native_id()
        return runner.call(lambda: (here(), processors.allowed(mine)))

    assert in_a_thread(ask) == (free, free)
    assert owner_sleeps_on(runner) == free
    assert runner.call(here) == free
    assert len(owner_sleeps_on(runner)) == 1


def test_a_caller_elsewhere_takes_the_owner_along(runner, free):
    """Where the system moved the caller, or its user did, the owner is woken."""
    try:
        for processor in sorted(free) * 3:
            runner.call(here)
            owner_sleeps_on(runner)
            os.sched_setaffinity(0, {processor})
            runner._processor.share()
            assert owner_sleeps_on(runner) == {processor}
            assert runner.call(here) == free
    finally:
        os.sched_setaffinity(0, free)


def test_the_owner_keeps_what_its_user_gave_it(runner, free):
    """Pinning takes back what it did, and nothing else."""
    one = {min(free)}
    runner.call(lambda: os.sched_setaffinity(0, one))
    for _ in range(3):
        assert runner.call(here) == one
        assert owner_sleeps_on(runner) == one
    runner.call(lambda: os.sched_setaffinity(0, free))
    assert runner.call(here) == free


def test_a_handler_that_raises_leaves_the_owner_free(runner, free):
    entered, over = threading.Event(), threading.Event()

    def work():
        entered.set()
        assert over.wait(60)

    def interrupt():
        assert entered.wait(60)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        runner.call(work)
    over.set()
    assert runner.call(here) == free


def test_a_handler_that_calls(replica, runner, free):
    """A call within the wait of another one, on the main thread; then both threads are free."""
    seen = []

    def answer(_number, _frame):
        seen.append(other.node.runner.call(lambda: (here(), in_a_thread(here))))

    with Replica(ReplicaConfig(seed=b"other")) as other:
        before = signal.signal(signal.SIGUSR1, answer)
        try:
            runner.call(lambda: os.kill(os.getpid(), signal.SIGUSR1))
            while not seen:
                runner.call(here)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert other.node.runner.call(here) == free
    assert seen == [(free, free)]
    assert runner.call(here) == free


def test_processors_that_are_taken_meanwhile(monkeypatch, free):
    """When the system refuses, the worker is not pinned."""
    shared = SharedProcessor()
    shared.share()

    def refuse(*_):
        raise OSError(22, "Invalid argument")

    with monkeypatch.context() as patch:
        patch.setattr(processors, "allowed", refuse)
        assert not shared.rest(list)
        shared.share()
        shared.go_on()
    absent = frozenset((max(free) + 70,))
    with monkeypatch.context() as patch:
        patch.setattr(processors, "mask", lambda _, mask=processors.mask: mask(absent))
        assert not shared.rest(list)
        shared.share()
        shared.go_on()
    assert here() == free


@pytest.fixture
def clock(monkeypatch):
    """The time that passes while a thread yields: [now, by how much each time], in seconds."""
    times = [100.0, 0.0]

    def give_way():
        times[0] += times[1]

    monkeypatch.setattr(processors, "give_way", give_way)
    monkeypatch.setattr(shared_processor, "monotonic_s", lambda: times[0])
    return times


def test_the_worker_yields_where_calls_follow_soon(clock, free):
    """One that came soon is reason to yield, one that came late or not at all is reason to sleep at once."""
    shared, looks = SharedProcessor(), count()

    def after(number):
        """Work that is there when the worker looks for the second time, ..."""
        first = next(looks)
        return lambda: next(looks) - first >= number

    def sleep(seconds):
        clock[0] += seconds
        shared.go_on()

    shared.share()
    assert not shared.rest(after(2)), "of the call before nothing is known"
    assert next(looks) == 1
    assert len(here()) == 1
    sleep(0.01)
    assert here() == free
    assert not shared.rest(after(2))
    sleep(0.0001)
    clock[1] = 0.00005
    assert shared.rest(after(2))
    assert here() == free
    assert shared.rest(after(4))
    assert not shared.rest(after(5)), "it did not come while the worker yielded"
    sleep(0.0001)
    assert not shared.rest(after(9))
    sleep(0.00001)
    assert shared._follows_soon
    clock[1] = 0.01
    assert shared.rest(after(2)), "work, but late"
    assert not shared.rest(after(1))
    sleep(0.0)
    assert here() == free


def test_others_do_not_yield(clock, free):
    """Neither a worker that another thread called last, nor that thread."""
    shared = SharedProcessor()
    shared.share()
    in_a_thread(shared.share)
    clock[1] = 1.0
    shared.yield_until(lambda: False)
    assert not shared.rest(lambda: False)
    assert clock[0] == 100.0
    assert here() == free


SANDBOXED = """
import os
def refuse(*_):
    raise PermissionError(1, "Operation not permitted")
os.sched_setaffinity = refuse
from ic_harness import processors
assert not processors.CAN_PIN
from ic_harness.replica import Replica
with Replica() as replica:
    replica.tick()
"""


def test_a_sandbox_that_forbids_it():
    child = subprocess.run(
        [sys.executable, "-c", SANDBOXED], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
