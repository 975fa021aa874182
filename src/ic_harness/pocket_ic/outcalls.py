"""HTTPS outcalls of an instance: they wait for the mocks of a test, or leave the machine while the instance is live."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ic_harness.replica import Outcall, OutcallAnswer, Replica

if TYPE_CHECKING:
    from ic_harness.networks.outcalls import Live


class PendingOutcalls:
    """An `OutcallSource` that keeps every outcall until `mock` answers it or the network gives up."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._lock = threading.Lock()
        self._waiting: dict[int, Outcall] = {}
        self._mocked: dict[int, tuple[OutcallAnswer, ...]] = {}
        self._live: Live | None = None
        self._sent: set[int] = set()

    def pending(self) -> list[Outcall]:
        """The outcalls that have no answer yet, oldest first."""
        with self._lock:
            return [one for number, one in sorted(self._waiting.items()) if number not in self._mocked]

    def mock(self, number: int, answers: tuple[OutcallAnswer, ...]) -> bool:
        """Answer an outcall; the next round takes the answer. False when there is no such outcall."""
        with self._lock:
            if number not in self._waiting or number in self._mocked:
                return False
            self._mocked[number] = answers
            return True

    def go_live(self) -> None:
        """Make the requests of this and all later outcalls over the real network, until `rest`."""
        from ic_harness.networks.outcalls import Live  # lazy: start-up time  # noqa: PLC0415

        with self._lock:
            self._live = self._live or Live(self._replica.outcall_answered)
            for number in sorted(self._waiting):
                self._send(number)

    def rest(self) -> None:
        """Let outcalls wait for mocks again; those that were sent keep their answers."""
        with self._lock:
            self._live, live = None, self._live
            if live is not None:
                for number in live.answered():
                    self._mocked.setdefault(number, live.answers(number))
            self._sent.clear()

    def _send(self, number: int) -> None:
        if self._live is not None and number not in self._sent and number not in self._mocked:
            self._sent.add(number)
            self._live.begin(self._waiting[number])

    # --- for the replica: see `OutcallSource` -----------------------------------------------------------------

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        with self._lock:
            self._waiting[outcall.number] = outcall
            self._send(outcall.number)

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        with self._lock:
            live = self._live.answered() if self._live is not None else []
            return sorted({*self._mocked, *live})

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        with self._lock:
            mocked = self._mocked.get(number)
            if mocked is not None or self._live is None:
                return self._mocked[number]
            return self._live.answers(number)

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        with self._lock:
            self._waiting.pop(number, None)
            self._mocked.pop(number, None)
            self._sent.discard(number)
            if self._live is not None:
                self._live.forget(number)

    def working(self) -> bool:
        """See `OutcallSource`."""
        with self._lock:
            return self._live is not None and self._live.working()

    def replaced(self) -> None:
        """See `OutcallSource`."""
        with self._lock:
            self._waiting.clear()
            self._mocked.clear()
            self._sent.clear()
            if self._live is not None:
                self._live.replaced()
