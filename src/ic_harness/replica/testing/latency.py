"""How long a real network takes: a model of blocks and distances, laid over the replica on request.

A call travels to the subnet, waits for a block with room for it, is executed when the block is final, and its
certificate travels back. Queries travel there and back. The model decides about waiting only; what is
answered does not change. Waiting is real time, since it is the clients' clocks that are to notice it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ic_harness.replica.http.http_messages import HttpRequest, HttpResponse
from ic_harness.replica.state import clock
from ic_harness.replica.state.latency_profile import Latency


class Blocks:
    """Assigns calls to blocks, in the order in which they come, as many as fit by their size."""

    def __init__(self, model: Latency) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._block = 0
        self._used = 0

    def proposal(self, arrived_s: float, size: int) -> float:
        """When the block that takes a call of `size` bytes is proposed, in the time of `arrived_s`."""
        interval = self._model.block_interval_s
        if not interval:
            return arrived_s
        with self._lock:
            earliest = int(arrived_s / interval) + 1
            if earliest > self._block:
                self._block, self._used = earliest, 0
            if self._used and self._used + size > self._model.block_bytes:
                self._block, self._used = self._block + 1, 0
            self._used += size
            return self._block * interval


class LatencyModel:
    """Delays requests and answers as a model says."""

    def __init__(self, model: Latency) -> None:
        self.model = model
        self._blocks = Blocks(model)

    def apply(self, request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
        """Answer a request with the delays of the model."""
        clock.pause(self.model.one_way_s)
        if not request.path.endswith("/call"):
            response = answer(request)
        else:
            proposed = self._blocks.proposal(clock.monotonic_s(), len(request.body))
            clock.pause(proposed - clock.monotonic_s())
            response = answer(request)
            if response.status == 200:
                clock.pause(proposed + self.model.finality_s - clock.monotonic_s())
        clock.pause(self.model.one_way_s)
        return response
