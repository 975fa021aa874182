"""The asynchronous agents of the embedded network: calls run in worker threads, so that the event loop is not blocked.

A module of its own because it loads asyncio, which synchronous programs do not need.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ic_harness.agent import AsyncAgent, AsyncCallableTransport, AsyncTransport, Request, Response
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.replica import Replica

from .embedded_agents import InProcessTransport, UnsignedAgent


def _transport(replica: Replica) -> AsyncTransport:
    return AsyncCallableTransport(partial(_send_in_thread, InProcessTransport(replica)))


async def _send_in_thread(transport: InProcessTransport, request: Request) -> Response:
    return await asyncio.to_thread(transport.send, request)


class InProcessAsyncAgent(AsyncAgent):
    """An agent whose requests are signed and whose answers are verified."""

    def __init__(self, replica: Replica, identity: Identity) -> None:
        super().__init__(_transport(replica), identity, root_key=replica.root_key, clock=replica.clock.now_ns)


class UnsignedAsyncAgent(AsyncAgent):
    """The asynchronous form of `UnsignedAgent`."""

    def __init__(self, agent: UnsignedAgent, replica: Replica) -> None:
        super().__init__(_transport(replica), None, root_key=replica.root_key, clock=replica.clock.now_ns)
        self._agent = agent

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self._agent.principal

    async def update(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Call `method`. Raises `RejectError` and `ReplicaError`."""
        return await asyncio.to_thread(
            self._agent.update, canister_id, method, arg, effective_canister_id=effective_canister_id
        )

    async def query(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Query `method`. Raises `RejectError`."""
        return await asyncio.to_thread(
            self._agent.query, canister_id, method, arg, effective_canister_id=effective_canister_id
        )
