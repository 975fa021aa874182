"""Who is inside: requests that are being answered, so that nothing is closed under them.

A query runs on the thread of its request, beside the driver of rounds. Whoever stops the replica shuts the doors,
ends what the requests inside are waiting for, and waits until they have left.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Doors:
    """Counts the requests inside; while the doors are shut the next ones wait before them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside for the length of the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Let nobody in for the length of the block."""
        with self._changed:
            self._shut = True
        try:
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()

    def wait_until_empty(self) -> None:
        """Wait until everybody has left."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside == 0)
