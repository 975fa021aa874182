"""The embedded network: the replica of this package, in this process.

Agents call `Replica.handle` without a socket; envelopes, signatures and certificates are the same as over HTTP.
The asynchronous transport calls it in a worker thread, so that the event loop is not blocked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ic_harness.agent import (
    Agent,
    AsyncAgent,
    AsyncCallableTransport,
    Request,
    Response,
    Transport,
)
from ic_harness.errors import InputError
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Ed25519Identity, Identity
from ic_harness.replica import (
    ExecutionMetrics,
    Fault,
    FaultKind,
    HttpRequest,
    LogLine,
    NetworkSnapshot,
    Replica,
)
from ic_harness.units import Instructions, Nanos

from .capabilities import Capability
from .network import Network, Snapshot

if TYPE_CHECKING:
    from .outcalls import Outcalls

T = TypeVar("T")
_CBOR: Final = {"content-type": "application/cbor"}


def _deployer() -> Identity:
    # Access to the state folder allows changing its canisters anyway, so this is no secret.
    return Ed25519Identity.from_seed(hashlib.sha256(b"ic-harness deployer of an embedded network").digest())


class _InProcessTransport:
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


async def _send_in_thread(transport: _InProcessTransport, request: Request) -> Response:
    return await asyncio.to_thread(transport.send, request)


class _BulkAgent(Agent):
    """An agent whose calls go to the replica without envelopes, and whose answers come without certificates."""

    def __init__(self, replica: Replica, transport: Transport, identity: Identity) -> None:
        super().__init__(transport, identity, root_key=replica.root_key, clock=replica.clock.now_ns)
        self._replica = replica

    def update(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,  # noqa: ARG002 - there is one subnet
    ) -> bytes:
        """Call `method`. Raises `RejectError` and `ReplicaError`."""
        return self._replica.execute_update(self.principal, canister_id, method, arg)

    def query(
        self,
        canister_id: Any,
        method: str,
        arg: bytes,
        *,
        effective_canister_id: Any = None,  # noqa: ARG002 - there is one subnet
    ) -> bytes:
        """Ask a query `method`. Raises `RejectError`."""
        return self._replica.execute_query(self.principal, canister_id, method, arg)


class EmbeddedNetwork(Network):
    """A `Replica` as a network. Closing it closes the replica."""

    capabilities = frozenset(Capability)

    def __init__(self, replica: Replica, deployer: Identity | None = None) -> None:
        super().__init__(deployer or _deployer())
        self.replica = replica
        self._outcalls: Outcalls | None = None
        self._watched = 0
        self._used: Counter[Principal] = Counter()

    @property
    def name(self) -> str:
        """Always `embedded`."""
        return "embedded"

    @property
    def root_key(self) -> bytes:
        """The replica's DER root key."""
        return self.replica.root_key

    def _settle(self) -> None:
        self.replica.settle()

    @property
    def failure(self) -> BaseException | None:
        """The error that stopped the replica, such as a full disk."""
        return self.replica.failure

    def _new_agent(self, identity: Identity) -> Agent:
        transport = _InProcessTransport(self.replica)
        return Agent(transport, identity, root_key=self.root_key, clock=self.replica.clock.now_ns)

    def bulk_agent(self, identity: Identity | None = None) -> Agent:
        """Return a client whose calls skip signatures, certificates and canister_inspect_message."""
        transport = _InProcessTransport(self.replica)
        return _BulkAgent(self.replica, transport, identity or AnonymousIdentity())

    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        transport = AsyncCallableTransport(partial(_send_in_thread, _InProcessTransport(self.replica)))
        return AsyncAgent(transport, identity, root_key=self.root_key, clock=self.replica.clock.now_ns)

    def time_ns(self) -> Nanos:
        """Return the replica's time, ns since 1970."""
        return Nanos(self.replica.clock.now_ns())

    def set_time(self, time_ns: int) -> None:
        """Set the replica's time; it only goes forward. Raises `ReplicaError` when `time_ns` is past."""
        self.replica.set_time(time_ns)

    def advance_time(self, by_ns: int) -> None:
        """Move the replica's time forward; timers that are due fire in the next round."""
        self.replica.advance_time(by_ns)

    def tick(self) -> None:
        """Run one round."""
        self.replica.tick()

    def snapshot(self) -> NetworkSnapshot:
        """Take a snapshot: canisters, messages in flight, time and randomness."""
        return self.replica.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this network. Raises `ReplicaError` when it is of another, or closed."""
        assert isinstance(snapshot, NetworkSnapshot), "bug: a snapshot of another kind of network"
        self.replica.restore(snapshot)

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls whose first updates are executed in the same round."""
        return self.replica.in_one_round(calls)

    def instructions(self, canister: Principal) -> Instructions:
        """Return the instructions that a canister has executed so far, queries included."""
        self._watched, figures = self.replica.figures(self._watched)
        for figure in figures:
            self._used[figure.canister] += figure.instructions
        return Instructions(self._used[Principal.of(canister)])

    def metrics(self, since: int = 0) -> tuple[int, list[ExecutionMetrics]]:
        """Return the metrics of the newest 10,000 messages, queries included."""
        return self.replica.figures(since)

    def log_stream(self, since: int = 0) -> tuple[int, list[LogLine]]:
        """Return the newest 10,000 lines that canisters printed."""
        return self.replica.lines(since)

    def inject_fault(
        self,
        kind: str,
        *,
        endpoint: str | None = "call",
        method: str | None = None,
        after: int = 0,
        times: int = 1,
        seconds: float = 0.0,
    ) -> None:
        """Inject a fault. Raises `InputError` for an unknown `kind`."""
        known = [harm.value for harm in FaultKind]
        if kind not in known:
            raise InputError(f"no fault {kind!r}; the faults are: {', '.join(known)}")
        self.replica.faults.order(
            Fault(
                harm=FaultKind(kind),
                endpoint=endpoint,
                method=method,
                after=after,
                times=times,
                seconds=seconds,
            )
        )

    def clear_faults(self) -> None:
        """Remove all faults that have not been injected yet."""
        self.replica.faults.clear()

    @property
    def outcalls(self) -> Outcalls:
        """Responses to HTTPS outcalls of canisters; they are refused until a test configures them."""
        if self._outcalls is None:
            from .outcalls import Outcalls  # lazy: start-up time  # noqa: PLC0415

            self._outcalls = Outcalls(self.replica)
        return self._outcalls

    @property
    def threshold_keys(self) -> dict[str, bytes]:
        """The master public keys that canisters' keys are derived from, by names such as `ecdsa:Secp256k1:key_1`."""
        return self.replica.threshold_keys

    @contextmanager
    def anchored(self) -> Iterator[None]:
        """Restore everything after the block, the configuration of outcalls included."""
        before = None if self._outcalls is None else self._outcalls.orders()
        try:
            with super().anchored():
                yield
        finally:
            if self._outcalls is not None and self.failure is None:
                self._outcalls.restore(before)

    def stable_memory(self, canister: Principal) -> bytes:
        """Read the stable memory of a canister. Raises `ReplicaError` when there is no such canister."""
        return self.replica.stable_memory(canister)

    def certified_data(self, canister: Principal) -> bytes:
        """Read the certified data of a canister. Raises `ReplicaError` when there is no such canister."""
        return self.replica.certified_data(canister)

    def logs(self, canister: Principal) -> list[str]:
        """Read the newest 4 KiB of what a canister printed, and why it trapped."""
        return [
            record.content.decode(errors="replace") for record in self.replica.logs(Principal.of(canister))
        ]

    def close(self) -> None:
        """Stop the replica; with a state folder everything is kept there."""
        self.replica.close()
