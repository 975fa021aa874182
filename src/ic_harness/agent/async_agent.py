# Made from agent.py by `python -m ic_harness.agent.unasync`; do not edit.
"""The agent for asynchronous code. The twin of `agent.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from ic_harness.agent import flow, read_state
from ic_harness.agent.concurrency import AsyncLimiter
from ic_harness.agent.effects import Effect, Flow, Pause, Send, T, run_async
from ic_harness.agent.retry import RetryPolicy, now_ns
from ic_harness.agent.session import Session, Subnet
from ic_harness.agent.time_sync import with_synced_clock
from ic_harness.agent.transport import AsyncTransport, Response
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, as_identity


class AsyncAgent:
    """Calls canisters and verifies every response; for use within one event loop.

    `identity` is one of this package, of ic-py, or None for the anonymous identity. Certificates are verified
    with `root_key` (DER); None uses the built-in key on the Internet Computer, and fetches the key of any other
    network once. `clock` returns ns since 1970, `sleep` waits seconds: for networks with a time of their own.
    `verify_queries` False accepts query responses without node signatures.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        identity: Any = None,
        *,
        root_key: bytes | None = None,
        clock: Callable[[], int] = now_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        retry: RetryPolicy | None = None,
        verify_queries: bool = True,
        limiter: AsyncLimiter | None = None,
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
        self._limiter = limiter or AsyncLimiter()

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self.session.identity.principal

    async def update(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Make an update call; returns the certified reply, Candid-encoded.

        `arg` is Candid-encoded. Raises `RejectError`, `CallTimeoutError` and the other `CallError`s,
        `CborError`, `CertificateError`.
        """
        effective = None if effective_canister_id is None else Principal.of(effective_canister_id)
        canister = canister_id if isinstance(canister_id, Principal) else Principal.of(canister_id)
        return await self.run(flow.update(self.session, canister, method, arg, effective))

    async def query(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Make a query call; the reply is verified by node signatures. Raises as `update` does."""
        effective = None if effective_canister_id is None else Principal.of(effective_canister_id)
        canister = canister_id if isinstance(canister_id, Principal) else Principal.of(canister_id)
        return await self.run(flow.query(self.session, canister, method, arg, effective))

    async def read_state(self, paths: Sequence[Sequence[bytes]], effective_canister_id: Any) -> Certificate:
        """Read paths of the state tree; the certificate is verified."""
        target = Principal.of(effective_canister_id)
        return await self.run(
            with_synced_clock(
                self.session, target, lambda: read_state.read_state(self.session, paths, target)
            )
        )

    async def read_subnet_state(self, paths: Sequence[Sequence[bytes]], subnet_id: Any) -> Certificate:
        """Read paths of a subnet's own state; the certificate is verified to be that subnet's."""
        return await self.run(read_state.read_subnet_state(self.session, paths, Principal.of(subnet_id)))

    async def read_metadata(self, canister_id: Any, name: str) -> bytes | None:
        """Read a metadata section of a canister such as `candid:service`; None when it is proven absent."""
        canister = Principal.of(canister_id)
        return await self.run(
            with_synced_clock(
                self.session, canister, lambda: read_state.read_metadata(self.session, canister, name)
            )
        )

    async def read_subnet(self, canister_id: Any) -> Subnet:
        """Read the subnet of a canister, and the keys of its nodes."""
        canister = Principal.of(canister_id)
        return await self.run(
            with_synced_clock(self.session, canister, lambda: read_state.read_subnet(self.session, canister))
        )

    async def status(self) -> dict[str, Any]:
        """Read `/api/v2/status`: root key, health, versions. Nothing in it is certified."""
        return await self.run(read_state.status(self.session))

    async def root_key(self) -> bytes:
        """The DER root key that this agent trusts; fetched now unless it was passed."""
        return await self.run(read_state.root_key(self.session))

    async def run(self, conversation: Flow[T]) -> T:
        """Run a flow with this agent's transport, concurrency limit and sleep."""
        return await run_async(conversation, self._perform)

    async def _perform(self, effect: Effect[Any]) -> Response | None:
        """Exchange a request under the limit, or wait."""
        match effect:
            case Send(request):
                async with self._limiter.acquire() as outcome:
                    response = await self.transport.send(request)
                    outcome.status = response.status
                    return response
            case Pause(seconds):
                await self._sleep(seconds)
                return None
        raise TypeError(f"bug: an agent cannot perform {effect!r}")

    async def close(self) -> None:
        """Close the transport."""
        await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transport!r}, {self.principal})"
