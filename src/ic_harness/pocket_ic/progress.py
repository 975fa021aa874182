"""Live mode: a thread that runs a round of an instance at each interval, for timers, heartbeats and deadlines."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final

from ic_harness.errors import ReplicaError
from ic_harness.replica import Replica

MIN_INTERVAL_S: Final = 0.1


class Progress:
    """Runs rounds until `stop`; ends by itself when the replica stops."""

    def __init__(self, replica: Replica, delay_ms: int) -> None:
        self._replica = replica
        self._interval_s = max(delay_ms / 1000, MIN_INTERVAL_S)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ic-harness-progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run no more rounds; the current one is finished first."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with suppress(ReplicaError):  # the replica ended, which every caller is answered with
            while not self._ended.wait(self._interval_s):
                self._replica.tick()
