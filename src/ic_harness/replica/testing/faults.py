"""Injected faults: what networks do to requests and responses, done on demand and counted.

A fault names what happens, to which requests, after how many of them, and how often. Faults that are used up
are gone; without faults requests do not pass here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from ic_harness.errors import ProtocolError, ReplicaError, TransportError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import Envelope
from ic_harness.replica.http.http_messages import HttpRequest, HttpResponse, error_response
from ic_harness.replica.state import clock

Answerer = Callable[[HttpRequest], HttpResponse]

OVERTAKEN_WITHIN_S: Final = 2.0
"""How long a request that is to be overtaken waits for another one to come."""


class FaultKind(StrEnum):
    """What can happen to a request or its answer."""

    DROP_REQUEST = "drop_request"
    DROP_REPLY = "drop_reply"
    DELAY_REQUEST = "delay_request"
    DELAY_REPLY = "delay_reply"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    TOO_MANY_REQUESTS = "429"
    UNAVAILABLE = "503"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One order.

    `endpoint` is call, query, read_state or status, `method` the canister's method (None: any); the first
    `after` requests that match pass, the next `times` are harmed; `seconds` is for delays.
    """

    kind: FaultKind
    endpoint: str | None = "call"
    method: str | None = None
    after: int = 0
    times: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.after < 0 or self.times < 1 or self.seconds < 0:
            raise ReplicaError(f"a fault happens at least once, and never earlier than now: {self}")

    def concerns(self, request: HttpRequest) -> bool:
        """Whether the fault is about such a request."""
        if self.endpoint is not None and request.path.rstrip("/").rpartition("/")[2] != self.endpoint:
            return False
        return self.method is None or self.method == _method_of(request)


def _method_of(request: HttpRequest) -> object:
    try:
        return Envelope.from_cbor(request.body).content.get("method_name")
    except ProtocolError:
        return None


class Faults:
    """The faults that are ordered. Thread-safe; `restart` is how the replica starts anew."""

    def __init__(self, restart: Callable[[], None]) -> None:
        self._lock = threading.Condition()
        self.ordered: list[tuple[Fault, list[int]]] = []
        """Each fault with the number of requests that matched it so far; empty when no request needs `apply`."""
        self._passed = 0
        self._restart = restart
        self.done: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Order a fault."""
        with self._lock:
            self.ordered.append((fault, [0]))

    def clear(self) -> None:
        """Take back all orders that are left, and forget which were carried out."""
        with self._lock:
            self.ordered.clear()
            self.done.clear()

    @property
    def left(self) -> list[Fault]:
        """Orders that are not used up."""
        with self._lock:
            return [fault for fault, _ in self.ordered]

    def apply(self, request: HttpRequest, answer: Answerer) -> HttpResponse:
        """Answer a request, harmed if that is ordered. Raises `TransportError` for what gets lost."""
        fault = self._next(request)
        if fault is None:
            response = answer(request)
        else:
            response = _KINDS[fault.kind](self, fault, request, answer)
        with self._lock:
            self._passed += 1
            self._lock.notify_all()
        return response

    def _next(self, request: HttpRequest) -> Fault | None:
        with self._lock:
            for order in self.ordered:
                fault, seen = order
                if not fault.concerns(request):
                    continue
                seen[0] += 1
                if seen[0] <= fault.after:
                    continue
                if seen[0] == fault.after + fault.times:
                    self.ordered.remove(order)
                self.done.append(fault)
                return fault
        return None

    # --- what each kind does --------------------------------------------------------------------------------

    def _drop_request(self, _fault: Fault, _request: HttpRequest, _answer: Answerer) -> HttpResponse:
        raise TransportError("the request was lost (ordered fault)")

    def _drop_reply(self, _fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        answer(request)
        raise TransportError("the answer was lost (ordered fault)")

    def _delay_request(self, fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        clock.pause(fault.seconds)
        return answer(request)

    def _delay_reply(self, fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        response = answer(request)
        clock.pause(fault.seconds)
        return response

    def _duplicate(self, _fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        answer(request)
        return answer(request)

    def _reorder(self, _fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        """Let another request go first; when none comes, the order stays as it is."""
        with self._lock:
            before = self._passed
            self._lock.wait_for(lambda: self._passed > before, OVERTAKEN_WITHIN_S)
        return answer(request)

    def _too_many(self, _fault: Fault, _request: HttpRequest, _answer: Answerer) -> HttpResponse:
        return error_response(429, "Too many requests (ordered fault)")

    def _unavailable(self, _fault: Fault, _request: HttpRequest, _answer: Answerer) -> HttpResponse:
        return error_response(503, "Service unavailable (ordered fault)")

    def _start_anew(self, _fault: Fault, request: HttpRequest, answer: Answerer) -> HttpResponse:
        self._restart()
        return answer(request)


_KINDS: Final[dict[FaultKind, Callable[[Faults, Fault, HttpRequest, Answerer], HttpResponse]]] = {
    FaultKind.DROP_REQUEST: Faults._drop_request,  # noqa: SLF001 — the table belongs to the class
    FaultKind.DROP_REPLY: Faults._drop_reply,  # noqa: SLF001
    FaultKind.DELAY_REQUEST: Faults._delay_request,  # noqa: SLF001
    FaultKind.DELAY_REPLY: Faults._delay_reply,  # noqa: SLF001
    FaultKind.DUPLICATE: Faults._duplicate,  # noqa: SLF001
    FaultKind.REORDER: Faults._reorder,  # noqa: SLF001
    FaultKind.TOO_MANY_REQUESTS: Faults._too_many,  # noqa: SLF001
    FaultKind.UNAVAILABLE: Faults._unavailable,  # noqa: SLF001
    FaultKind.RESTART: Faults._start_anew,  # noqa: SLF001
}
