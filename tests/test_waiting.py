"""Every wait of the main thread notices a signal, also one that another thread of the process received."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time

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
