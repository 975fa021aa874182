"""How long a server has had nothing to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class IdleTimer:
    """Counts requests that are being answered, and notes when the last one ended. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0
        self._since_s = time.monotonic()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A request is being answered within the block."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._since_s = time.monotonic()

    def left_s(self, ttl_s: float) -> float:
        """Seconds until `ttl_s` have passed without a request; not positive when they have."""
        with self._lock:
            if self._busy:
                return ttl_s
            return self._since_s + ttl_s - time.monotonic()

    def wait(self, stop: threading.Event, ttl_s: float | None, hard_ttl_s: float | None) -> None:
        """Return when `stop` is set, `ttl_s` have passed without a request, or `hard_ttl_s` altogether."""
        end_s = None if hard_ttl_s is None else time.monotonic() + hard_ttl_s
        while True:
            limits = [] if ttl_s is None else [self.left_s(ttl_s)]
            if end_s is not None:
                limits.append(end_s - time.monotonic())
            pause_s = min(limits, default=None)
            if pause_s is not None and pause_s <= 0:
                return
            if stop.wait(pause_s):
                return
