"""The processor that the main thread shares with the owner: both are free again, whatever comes between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ic_harness import processors
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.execution import SharedProcessor, start_thread
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
    return processors.allowed(runner._thread.native_id)


def test_who_runs_is_free_and_who_waits_is_pinned(runner, free):
    main = threading.get_native_id()
    for _ in range(100):
        seen = runner.call(lambda: (here(), in_a_thread(here), processors.allowed(main)))
        assert seen[:2] == (free, free), "the owner, and a thread that it starts"
        assert len(seen[2]) == 1, "the caller"
        assert here() == free
        assert len(owner_sleeps_on(runner)) == 1


def test_the_first_command_is_free(free):
    """The owner's thread is started by a caller that is pinned already."""
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
            processors.pin(0, {processor})
            processors.pin(0, free)
            runner.call(here)
            assert here() == free
            runner.call(here)
            assert len(owner_sleeps_on(runner)) == 1
    finally:
        processors.pin(0, free)


def test_who_pinned_the_caller_is_obeyed(runner, free):
    """On one processor there is nothing to share; what the caller may do counts when it calls."""
    one = {min(free)}
    runner.call(here)
    processors.pin(0, one)
    try:
        runner.call(here)
        assert here() == one
    finally:
        processors.pin(0, free)
    assert runner.call(here) == free


def test_a_handler_that_raises_leaves_the_caller_free(runner, free):
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
    assert here() == free
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
    """When the system refuses, the call is made all the same."""
    shared = SharedProcessor()

    def refuse(*_):
        raise OSError(22, "Invalid argument")

    with monkeypatch.context() as patch:
        patch.setattr(processors, "pin", refuse)
        assert shared.beside(lambda: 1) == 1
        shared.rest()
        shared.go_on()
        patch.setattr(processors, "allowed", refuse)
        assert shared.beside(lambda: 2) == 2
    assert shared.beside(lambda: len(here())) == 1
    assert here() == free


def test_threads_that_a_waiting_caller_starts(free):
    """Those of a pool for Wasm: the first query may come from a signal's handler."""
    shared, seen = SharedProcessor(), []
    shared.beside(lambda: start_thread(lambda: seen.append(here()), "test").join())
    assert seen == [free]


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
