"""The agent under ic-py's names: a verifying `Agent` of this package that also takes and returns ic-py's forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ic_harness import agent
from ic_harness.agent import HttpTransport
from ic_harness.ic_py import candid
from ic_harness.ic_py.client import Client
from ic_harness.ic_py.principal import Principal
from ic_harness.principal import Principal as AnyPrincipal
from ic_harness.protocol import MAINNET_ROOT_KEY, Certificate


class Agent(agent.Agent):
    """Calls canisters at the client's URL as an identity (ours, ic-py's, or one of this room).

    The root key of mainnet counts for mainnet only; any other network is asked once, unless `root_key` tells another
    one. `ingress_expiry` is accepted and not used: requests are valid for four minutes.
    """

    def __init__(
        self,
        identity: Any,
        client: Any,
        nonce_factory: Callable[[], bytes] | None = None,
        ingress_expiry: float = 240,
        root_key: bytes = MAINNET_ROOT_KEY,
    ) -> None:
        del ingress_expiry
        given = root_key if root_key != MAINNET_ROOT_KEY else None
        super().__init__(HttpTransport(client.url), identity, root_key=given)
        self.identity, self.client = identity, client
        if nonce_factory is not None:
            self.session.nonce = nonce_factory

    def get_principal(self) -> Principal:
        """The caller's principal."""
        return Principal(self.principal.raw)

    def query_raw(
        self,
        canister_id: Any,
        method_name: str,
        arg: bytes,
        return_type: Any = None,
        effective_canister_id: Any = None,
    ) -> list[dict[str, Any]]:
        """Ask a query method. Raises as `query` does, also when it is refused."""
        reply = self.query(canister_id, method_name, arg, effective_canister_id=effective_canister_id)
        return candid.decode(reply, return_type)

    def update_raw(
        self,
        canister_id: Any,
        method_name: str,
        arg: bytes,
        return_type: Any = None,
        effective_canister_id: Any = None,
        **_polling: Any,
    ) -> list[dict[str, Any]]:
        """Call an update method; how it is polled is not the caller's concern. Raises as `update` does."""
        reply = self.update(canister_id, method_name, arg, effective_canister_id=effective_canister_id)
        return candid.decode(reply, return_type)

    async def query_raw_async(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
        """The same as `query_raw` in a thread, so that others can go on."""
        return await asyncio.to_thread(self.query_raw, *args, **named)

    async def update_raw_async(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
        """The same as `update_raw` in a thread, so that others can go on."""
        return await asyncio.to_thread(self.update_raw, *args, **named)

    def read_state_raw(self, canister_id: Any, paths: Sequence[Sequence[bytes]]) -> Certificate:
        """Read paths of the state tree; for `certificate.lookup`."""
        return self.read_state(paths, AnyPrincipal.of(canister_id))

    async def read_state_raw_async(self, canister_id: Any, paths: Sequence[Sequence[bytes]]) -> Certificate:
        """The same as `read_state_raw` in a thread."""
        return await asyncio.to_thread(self.read_state_raw, canister_id, paths)


def as_agent(theirs: Any) -> agent.Agent:
    """An agent of this package for the network and identity of ic-py's `Agent`; ours is given back as it is."""
    return theirs if isinstance(theirs, agent.Agent) else Agent(theirs.identity, Client(theirs.client.url))
