"""The way between an uploader and the embedded replica, on which one message meets one trouble."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ic_harness.agent import Agent, CallableTransport, Request, Response
from ic_harness.errors import ReplicaError, TransportError
from ic_harness.networks import EmbeddedNetwork
from ic_harness.protocol import Envelope, Identity
from ic_harness.replica import HttpRequest
from ic_harness.units import SECOND

OVERTAKEN_WITHIN_S: Final = 0.05
"""How long a message that is to be overtaken waits for another one; alone on its way it just goes on."""
TOO_LONG: Final = 290 * SECOND
"""How late a message is when it comes too late: requests live four minutes, answers are believed for five."""


@dataclass(frozen=True)
class Place:
    """One message of an upload: the `number`th one (from 0) that calls or queries `method`."""

    endpoint: str
    method: str
    number: int

    def __str__(self) -> str:
        return f"{self.method}-{self.number}"


class Way:
    """Carries messages; `happens` comes to the one at `place`. Counts what was carried, by endpoint and method."""

    def __init__(self, network: EmbeddedNetwork, upgrade: Callable[[], None]) -> None:
        self.network = network
        self.upgrade = upgrade
        self.seen: Counter[tuple[str, str]] = Counter()
        self.met = False
        self._trouble: tuple[Place, Trouble] | None = None
        self._late: list[Request] = []
        self._passed = 0
        self._changed = threading.Condition()

    def meet(self, place: Place, trouble: Trouble) -> None:
        """Order a trouble."""
        self._trouble = (place, trouble)

    def agent(self, identity: Identity) -> Agent:
        """A client on this way; it does not wait between attempts."""
        return Agent(
            CallableTransport(self._carry),
            identity,
            root_key=self.network.root_key,
            clock=self.network.time_ns,
            sleep=lambda _: None,
        )

    def _carry(self, request: Request) -> Response:
        endpoint = request.path.rpartition("/")[2]
        happens = self._next(endpoint, _method(request))
        self._deliver_late()
        try:
            return self.ask(request) if happens is None else happens(self, request)
        except ReplicaError as error:  # it is being restarted: whoever waits loses the connection
            raise TransportError(f"connection lost: {error}") from error
        finally:
            with self._changed:
                self._passed += 1
                self._changed.notify_all()

    def _next(self, endpoint: str, method: str) -> Trouble | None:
        with self._changed:
            number = self.seen[endpoint, method]
            self.seen[endpoint, method] += 1
            if self._trouble is None or self._trouble[0] != Place(endpoint, method, number):
                return None
            self.met = True
            return self._trouble[1]

    def _deliver_late(self) -> None:
        with self._changed:
            late, self._late = self._late, []
        for request in late:
            self.ask(request)

    # --- what troubles do -----------------------------------------------------------------------------------

    def ask(self, request: Request) -> Response:
        """Hand a message to the replica."""
        answer = self.network.replica.handle(
            HttpRequest(method=request.method, path=request.path, headers=_CBOR, body=request.body or b"")
        )
        return Response(status=answer.status, headers=answer.headers, body=answer.body)

    def later(self, request: Request) -> None:
        """Hand a message over once more, just before the next one."""
        with self._changed:
            self._late.append(request)

    def let_another_pass(self) -> None:
        """Wait until another message has gone by; alone on the way there is nothing to wait for."""
        with self._changed:
            before = self._passed
            self._changed.wait_for(lambda: self._passed > before, OVERTAKEN_WITHIN_S)


Trouble = Callable[[Way, Request], Response]
_CBOR: Final = {"content-type": "application/cbor"}


def _method(request: Request) -> str:
    """The method that a message calls; empty for what is neither call nor query."""
    if request.body is None:
        return ""
    return str(Envelope.from_cbor(request.body).content.get("method_name", ""))


def _lost(way: Way, request: Request) -> Response:
    raise TransportError("the request was lost")


def _reply_lost(way: Way, request: Request) -> Response:
    way.ask(request)
    raise TransportError("the reply was lost")


def _twice(way: Way, request: Request) -> Response:
    way.ask(request)
    return way.ask(request)


def _twice_late(way: Way, request: Request) -> Response:
    way.later(request)
    return way.ask(request)


def _overtaken(way: Way, request: Request) -> Response:
    way.let_another_pass()
    return way.ask(request)


def _refused(status: int) -> Trouble:
    return lambda _way, _request: Response(status=status, headers={}, body=b"too much to do")


def _expired(way: Way, request: Request) -> Response:
    way.network.advance_time(TOO_LONG)
    return way.ask(request)


def _expired_after_a_copy(way: Way, request: Request) -> Response:
    way.ask(request)
    return _expired(way, request)


def _restarted(way: Way, request: Request) -> Response:
    way.network.replica.restart()
    return way.ask(request)


def _died_answering(way: Way, request: Request) -> Response:
    way.ask(request)
    way.network.replica.restart()
    raise TransportError("the replica died before it could answer")


def _upgraded(way: Way, request: Request) -> Response:
    way.upgrade()
    return way.ask(request)


TROUBLES: Final[Mapping[str, Trouble]] = {
    "request lost": _lost,
    "reply lost": _reply_lost,
    "delivered twice": _twice,
    "delivered again later": _twice_late,
    "overtaken": _overtaken,
    "429": _refused(429),
    "503": _refused(503),
    "expired": _expired,
    "expired after a copy ran": _expired_after_a_copy,
    "replica restarted": _restarted,
    "replica died answering": _died_answering,
    "canister upgraded": _upgraded,
}
"""What can happen to one message, by name."""
