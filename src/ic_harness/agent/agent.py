"""The agent for synchronous code. `async_agent.py` is made from this file by `unasync`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from ic_harness.agent import flow, read_state
from ic_harness.agent.concurrency import Limiter
from ic_harness.agent.effects import Effect, Flow, Pause, Send, T, run
from ic_harness.agent.retry import RetryPolicy, now_ns
from ic_harness.agent.session import Session, Subnet
from ic_harness.agent.time_sync import with_synced_clock
from ic_harness.agent.transport import Response, Transport
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, as_identity


class Agent:
    """Calls canisters and verifies every response; for use from any number of threads.

    `identity` is one of this package, of ic-py, or None for the anonymous identity. Certificates are verified
    with `root_key` (DER); None uses the built-in key on the Internet Computer, and fetches the key of any other
    network once. `clock` returns ns since 1970, `sleep` waits seconds: for networks with a time of their own.
    `verify_queries` False accepts query responses without node signatures.
    """

    def __init__(
        self,
        transport: Transport,
        identity: Any = None,
        *,
        root_key: bytes | None = None,
        clock: Callable[[], int] = now_ns,
        sleep: Callable[[float], None] = time.sleep,
        retry: RetryPolicy | None = None,
        verify_queries: bool = True,
        limiter: Limiter | None = None,
    ) -> None:
        self.transport = transport
        self.session = Session(
            as_identity(identity),
            root_key or getattr(transport, "root_key", None),
            clock=clock,
            retry=retry or RetryPolicy(),
            verify_queries=verify_queries,
        )
        self._sleep = sleep
        self._limiter = limiter or Limiter()

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self.session.identity.principal

    def update(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Make an update call; returns the certified reply, Candid-encoded.

        `arg` is Candid-encoded. Raises `RejectError`, `CallTimeoutError` and the other `CallError`s,
        `CborError`, `CertificateError`.
        """
        effective = None if effective_canister_id is None else Principal.of(effective_canister_id)
        canister = canister_id if isinstance(canister_id, Principal) else Principal.of(canister_id)
        return self.run(flow.update(self.session, canister, method, arg, effective))

    def query(self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None) -> bytes:
        """Make a query call; the reply is verified by node signatures. Raises as `update` does."""
        effective = None if effective_canister_id is None else Principal.of(effective_canister_id)
        canister = canister_id if isinstance(canister_id, Principal) else Principal.of(canister_id)
        return self.run(flow.query(self.session, canister, method, arg, effective))

    def read_state(self, paths: Sequence[Sequence[bytes]], effective_canister_id: Any) -> Certificate:
        """Read paths of the state tree; the certificate is verified."""
        target = Principal.of(effective_canister_id)
        return self.run(
            with_synced_clock(
                self.session, target, lambda: read_state.read_state(self.session, paths, target)
            )
        )

    def read_subnet_state(self, paths: Sequence[Sequence[bytes]], subnet_id: Any) -> Certificate:
        """Read paths of a subnet's own state; the certificate is verified to be that subnet's."""
        return self.run(read_state.read_subnet_state(self.session, paths, Principal.of(subnet_id)))

    def read_metadata(self, canister_id: Any, name: str) -> bytes | None:
        """Read a metadata section of a canister such as `candid:service`; None when it is proven absent."""
        canister = Principal.of(canister_id)
        return self.run(
            with_synced_clock(
                self.session, canister, lambda: read_state.read_metadata(self.session, canister, name)
            )
        )

    def read_subnet(self, canister_id: Any) -> Subnet:
        """Read the subnet of a canister, and the keys of its nodes."""
        canister = Principal.of(canister_id)
        return self.run(
            with_synced_clock(self.session, canister, lambda: read_state.read_subnet(self.session, canister))
        )

    def status(self) -> dict[str, Any]:
        """Read `/api/v2/status`: root key, health, versions. Nothing in it is certified."""
        return self.run(read_state.status(self.session))

    def root_key(self) -> bytes:
        """The DER root key that this agent trusts; fetched now unless it was passed."""
        return self.run(read_state.root_key(self.session))

    def run(self, conversation: Flow[T]) -> T:
        """Run a flow with this agent's transport, concurrency limit and sleep."""
        return run(conversation, self._perform)

    def _perform(self, effect: Effect[Any]) -> Response | None:
        """Exchange a request under the limit, or wait."""
        match effect:
            case Send(request):
                with self._limiter.acquire() as outcome:
                    response = self.transport.send(request)
                    outcome.status = response.status
                    return response
            case Pause(seconds):
                self._sleep(seconds)
                return None
        raise TypeError(f"bug: an agent cannot perform {effect!r}")

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transport!r}, {self.principal})"
