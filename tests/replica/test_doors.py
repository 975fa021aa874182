"""Doors: nobody is inside when the replica is stopped, and whoever comes meanwhile waits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from ic_harness.replica.doors import Doors


def test_stopping_waits_for_those_inside():
    """As long as a request is inside, whoever waits for an empty house waits."""
    doors, leave, entered = Doors(), threading.Event(), threading.Event()
    order = []

    def request():
        with doors.entered():
            entered.set()
            leave.wait()
            order.append("left")

    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(request)
        entered.wait()
        with doors.shut():
            pool_two = ThreadPoolExecutor(1)
            closing = pool_two.submit(lambda: (doors.wait_until_empty(), order.append("empty")))
            leave.set()
            closing.result()
            pool_two.shutdown()
        inside.result()
    assert order == ["left", "empty"]


def test_whoever_comes_late_waits():
    """While the doors are shut nobody enters; afterwards everybody does."""
    doors, order = Doors(), []

    def request():
        with doors.entered():
            order.append("in")

    with ThreadPoolExecutor(1) as pool:
        with doors.shut():
            late = pool.submit(request)
            order.append("opened")
        late.result()
    assert order == ["opened", "in"]
