"""Clients that know whom they speak to."""

from __future__ import annotations

from ic_harness.candid import runtime as rt
from ic_harness.principal import Principal

from ._generated import AsyncBackend, Backend


def open_backend(agent: rt.Agent, canister_id: Principal | str) -> Backend:
    """Make a client of a backend of any generation; which one, its `profile` tells.

    Raises `UnknownBackendError` for what is no capsule backend or too old a one, and what the agent raises.
    """
    backend = Backend(agent, canister_id)
    backend.recognize()
    return backend


async def open_backend_async(agent: rt.AsyncAgent, canister_id: Principal | str) -> AsyncBackend:
    """Make an asynchronous client of a backend of any generation; the twin of `open_backend`."""
    backend = AsyncBackend(agent, canister_id)
    await backend.recognize()
    return backend
