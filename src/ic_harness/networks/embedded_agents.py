"""The agents of the embedded network: they call `Replica` in this process, without a socket.

Ordinary agents exchange the same requests as over HTTP, signatures and certificates included. `BulkAgent` and
`UnsignedAgent` call the replica directly, without envelopes; their replies come without certificates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from ic_harness.agent import (
    Agent,
    Limiter,
    Outcome,
    Request,
    Response,
    Transport,
)
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.replica import HttpRequest, Replica

_CBOR: Final = {"content-type": "application/cbor"}


class InProcessTransport:
    """Requests go to the replica by a function call; nothing is left to close."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def send(self, request: Request) -> Response:
        """Exchange one request."""
        answer = self._replica.handle(
            HttpRequest(method=request.method, path=request.path, headers=_CBOR, body=request.body or b"")
        )
        return Response(status=answer.status, headers=answer.headers, body=answer.body)

    def close(self) -> None:
        """Leave the replica running: it belongs to the network."""


class Unlimited(Limiter):
    """No limit: a replica in this process takes each request when it can, and is not overloaded by many."""

    @contextmanager
    def acquire(self) -> Iterator[Outcome]:
        """Begin at once."""
        yield Outcome()


class DirectCalls(Protocol):
    """Takes the calls of a network's agents in place of signed requests, for tools that drive the rounds themselves."""

    def update(
        self, sender: Principal, canister_id: Any, method: str, arg: bytes, effective_id: Any
    ) -> bytes:
        """Call `method`. Raises `RejectError` and `ReplicaError`."""

    def query(self, sender: Principal, canister_id: Any, method: str, arg: bytes) -> bytes:
        """Query `method`. Raises `RejectError`."""


class Route:
    """The way that the calls of a network's agents take: as requests, or to `direct` while there is one."""

    direct: DirectCalls | None = None


class InProcessAgent(Agent):
    """An agent whose requests are signed and whose answers are verified, except while its route is another one."""

    def __init__(self, replica: Replica, identity: Identity, route: Route) -> None:
        super().__init__(
            InProcessTransport(replica),
            identity,
            root_key=replica.root_key,
            clock=replica.clock.now_ns,
            limiter=Unlimited(),
        )
        self._route = route

    def update(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Call `method`; see `Agent.update`."""
        direct = self._route.direct
        if direct is None:
            return super().update(canister_id, method, arg, effective_canister_id=effective_canister_id)
        return direct.update(self.principal, canister_id, method, arg, effective_canister_id)

    def query(self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None) -> bytes:
        """Query `method`; see `Agent.query`."""
        direct = self._route.direct
        if direct is None:
            return super().query(canister_id, method, arg, effective_canister_id=effective_canister_id)
        return direct.query(self.principal, canister_id, method, arg)


class BulkAgent(Agent):
    """An agent whose calls go to the replica without envelopes, and whose answers come without certificates."""

    def __init__(self, replica: Replica, transport: Transport, identity: Identity) -> None:
        super().__init__(
            transport, identity, root_key=replica.root_key, clock=replica.clock.now_ns, limiter=Unlimited()
        )
        self._replica = replica

    def update(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,
    ) -> bytes:
        """Call `method`. Raises `RejectError` and `ReplicaError`."""
        return self._replica.execute_update(
            self.principal, canister_id, method, arg, effective_id=effective_canister_id
        )

    def query(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,  # noqa: ARG002 - the callee decides
    ) -> bytes:
        """Ask a query `method`. Raises `RejectError`."""
        return self._replica.execute_query(self.principal, canister_id, method, arg)


class UnsignedAgent(Agent):
    """An agent that calls as a principal without its key; calls pass the ingress filter as signed ones do.

    State is read anonymously.
    """

    def __init__(
        self, replica: Replica, transport: Transport, sender: Principal, route: Route | None = None
    ) -> None:
        super().__init__(
            transport, None, root_key=replica.root_key, clock=replica.clock.now_ns, limiter=Unlimited()
        )
        self._replica = replica
        self._sender = sender
        self._route = route or Route()

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self._sender

    def update(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,
    ) -> bytes:
        """Call `method`. Raises `RejectError` and `ReplicaError`."""
        direct = self._route.direct
        if direct is not None:
            return direct.update(self._sender, canister_id, method, arg, effective_canister_id)
        return self._replica.execute_update(
            self._sender, canister_id, method, arg, inspect=True, effective_id=effective_canister_id
        )

    def query(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,  # noqa: ARG002 - the callee decides
    ) -> bytes:
        """Query `method`. Raises `RejectError`."""
        return self._replica.execute_query(self._sender, canister_id, method, arg)
