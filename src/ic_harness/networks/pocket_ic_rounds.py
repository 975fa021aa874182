"""How calls get their rounds on a PocketIC instance that makes none by itself.

A synchronous call (v3, v4) waits for its verdict, which never comes without a round. So every call is handed
in by v2, which answers 202 at once, and then a round is made; the agent asks for the verdict and finds it. A
call that needs more rounds gets one each time the agent pauses: on such an instance pausing is letting its
time pass. While rounds are held, calls meet before the next one is made.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from ic_harness.agent import Request, Response, Transport

T = TypeVar("T")
_CALL: Final = re.compile(r"/api/v\d+(/canister/[^/]+/call)")
_ACCEPTED: Final = 202


class Rounds:
    """Sends requests by `transport` and makes rounds by `tick`; used from several threads at once."""

    def __init__(self, transport: Transport, tick: Callable[[], None]) -> None:
        self._transport = transport
        self._tick = tick
        self._changed = threading.Condition()
        self._held = False
        self._arrived = 0

    def send(self, request: Request) -> Response:
        """Exchange a request; a call that was accepted gets a round, together with others while held."""
        call = _CALL.fullmatch(request.path)
        if call is None:
            return self._transport.send(request)
        response = self._transport.send(replace(request, path=f"/api/v2{call[1]}"))
        if response.status == _ACCEPTED and not self._waited():
            self._tick()
        return response

    def _waited(self) -> bool:
        """Wait while rounds are held; returns whether they were, for then one round was made for all."""
        with self._changed:
            if not self._held:
                return False
            self._arrived += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._held)
            return True

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls, each on a thread of its own; the first update of each is executed in the same round.

        Raises the first error of a call after all have ended.
        """
        with ThreadPoolExecutor(max_workers=max(1, len(calls))) as pool:
            with self._holding():
                running = [pool.submit(call) for call in calls]
                for future in running:
                    future.add_done_callback(lambda _: self._notify())
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._arrived + sum(future.done() for future in running) >= len(calls)
                    )
                self._tick()
            return [future.result() for future in running]

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def _holding(self) -> Iterator[None]:
        with self._changed:
            self._held, self._arrived = True, 0
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()
