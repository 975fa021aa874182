"""Creates clients that know the generation of their backend."""

from __future__ import annotations

from ic_harness.candid import runtime as rt
from ic_harness.principal import Principal

from ._generated import AsyncBackend, Backend


def open_backend(agent: rt.Agent, canister_id: Principal | str) -> Backend:
    """Create a client of a backend of any generation, and detect which one (`profile`).

    Raises `UnknownBackendError` for another kind of canister or too old a backend, and what the agent raises.
    """
    backend = Backend(agent, canister_id)
    backend.detect_generation()
    return backend


async def open_backend_async(agent: rt.AsyncAgent, canister_id: Principal | str) -> AsyncBackend:
    """Create an asynchronous client of a backend of any generation; as `open_backend`."""
    backend = AsyncBackend(agent, canister_id)
    await backend.detect_generation()
    return backend
