"""Every wait of the main thread notices a signal, also one that another thread of the process received."""

from __future__ import annotations

import errno
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import pytest

from ic_harness import waiting

CHILD = """
import queue, signal, threading
from ic_harness import waiting

def interrupt():
    threading.Event().wait(0.05)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

locked = threading.Lock()
locked.acquire()
asleep = threading.Thread(target=threading.Event().wait, daemon=True)
asleep.start()
threading.Thread(target=interrupt, daemon=True).start()
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    "wait",
    [
        "waiting.acquire(locked)",
        "waiting.acquire(locked, 1_000)",
        "waiting.is_set(threading.Event())",
        "waiting.is_set(threading.Event(), 1_000)",
        "waiting.join(asleep)",
        "waiting.get(queue.SimpleQueue())",
        "while True: waiting.HERE.bell.rings_within(waiting.HERE.bell.longest_s)",
    ],
)
def test_a_signal_that_another_thread_receives(wait):
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(wait=wait)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.stdout, child.stderr) == ("interrupted\n", "")


def on_another_thread(action):
    found = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("run", [lambda action: action(), on_another_thread], ids=["main", "other"])
class TestWithoutSignals:
    def test_times_that_are_over(self, run):
        locked = threading.Lock()
        locked.acquire()
        began = time.monotonic()
        assert not run(lambda: waiting.acquire(locked, 0.15))
        assert not run(lambda: waiting.is_set(threading.Event(), 0.15))
        assert time.monotonic() - began >= 0.3
        assert not run(lambda: waiting.acquire(locked, 0))
        assert not run(lambda: waiting.acquire(locked, -1))

    def test_what_is_there_already(self, run):
        event, ended = threading.Event(), threading.Thread(target=lambda: None)
        items: queue.SimpleQueue[str] = queue.SimpleQueue()
        event.set()
        items.put("an item")
        ended.start()
        assert run(lambda: waiting.acquire(threading.Lock()))
        assert run(lambda: waiting.is_set(event, 0))
        assert run(lambda: waiting.get(items)) == "an item"
        run(lambda: waiting.join(ended))
        assert not ended.is_alive()


def bells():
    """A bell of each kind that this system has."""
    return {type(bell): bell for bell in (waiting.Bell(), waiting.new_bell())}.values()


def test_a_bell_wakes_the_thread_that_waits():
    for bell in bells():
        woken = on_another_thread_begin(lambda bell=bell: bell.rings_within(bell.longest_s))
        bell.ring()
        woken.join(60)
        assert not woken.is_alive()


def test_rings_before_the_wait_are_kept_as_one():
    for bell in bells():
        bell.ring()
        bell.ring()
        assert bell.rings_within(waiting.LONGEST_S)
        assert not bell.rings_within(0.02)
        bell.ring()
        assert bell.rings_within(waiting.LONGEST_S)


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 0.001, 0.02])
def test_a_bell_stops_waiting(seconds):
    for bell in bells():
        began = time.monotonic()
        assert not bell.rings_within(seconds)
        assert time.monotonic() - began >= seconds


def test_a_bell_waits_through_signals():
    """A thread that is not the main one goes on waiting when the system hands it a signal."""
    handled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())
    try:
        for bell in bells():
            asleep = on_another_thread_begin(lambda bell=bell: bell.rings_within(bell.longest_s))
            for _ in range(20):
                handled.clear()
                signal.pthread_kill(asleep.ident, signal.SIGUSR1)
                assert waiting.is_set(handled, 60)
            assert asleep.is_alive()
            bell.ring()
            asleep.join(60)
            assert not asleep.is_alive()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_each_thread_has_a_bell_of_its_own():
    assert waiting.HERE.bell is waiting.HERE.bell
    assert on_another_thread(lambda: waiting.HERE.bell) is not waiting.HERE.bell
    assert waiting.HERE.bell.longest_s == waiting.SLICE_S, "the main thread looks for signals"
    assert on_another_thread(lambda: waiting.HERE.bell.longest_s) == waiting.LONGEST_S


@pytest.mark.skipif(sys.platform != "linux", reason="bells are locks elsewhere")
def test_without_file_descriptors_a_bell_is_a_lock(monkeypatch):
    def none_left(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    before = len([*Path("/proc/self/fd").iterdir()])
    for module, name in ((os, "eventfd"), (select, "epoll")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, none_left)
            assert type(waiting.new_bell()) is waiting.Bell
    assert len([*Path("/proc/self/fd").iterdir()]) <= before


@pytest.mark.skipif(sys.platform != "linux", reason="bells are locks elsewhere")
def test_bells_give_their_descriptors_back():
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(100):
        waiting.new_bell()
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + 5


def test_a_bell_misses_nothing():
    """Four writers, one reader that sleeps whenever it finds nothing: everything arrives."""
    for bell in bells():
        items: deque[int] = deque()
        found: list[int] = []

        def read(bell=bell, items=items, found=found):
            while len(found) < 4 * 2_000:
                bell.asleep = True
                if not items:
                    bell.rings_within(bell.longest_s)
                bell.asleep = False
                while items:
                    found.append(items.popleft())

        def write(bell=bell, items=items):
            for number in range(2_000):
                items.append(number)
                if bell.asleep:
                    bell.ring()

        reader = on_another_thread_begin(read)
        for thread in (*[on_another_thread_begin(write) for _ in range(4)], reader):
            thread.join(60)
            assert not thread.is_alive()
        assert sorted(found) == sorted([*range(2_000)] * 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_bells_of_its_own():
    """Parent and child wait at the same time: neither wakes the other, or takes its wake."""
    script = """
import os, threading
from ic_harness import waiting

def turns():
    bell = waiting.HERE.bell
    assert bell.longest_s == waiting.SLICE_S
    for _ in range(1_000):
        ringing = threading.Thread(target=bell.ring)
        ringing.start()
        assert bell.rings_within(60)
        ringing.join()

def both():
    child = os.fork()
    turns()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

turns()
both()

def on_another_thread():
    child = os.fork()
    if not child:
        turns()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

thread = threading.Thread(target=on_another_thread)
thread.start()
thread.join()
turns()
"""
    subprocess.run([sys.executable, "-c", script], timeout=120, check=True)


def on_another_thread_begin(action):
    """Begin an action on a thread of its own."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread
