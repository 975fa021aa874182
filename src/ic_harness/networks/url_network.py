"""A network behind a URL: a local replica of any make, or the Internet Computer.

The root key verifies everything. For the Internet Computer it is built in; from every other network it is fetched
once, when it is first needed, and pinned from then on.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from ic_harness.agent import NO_RETRIES, Agent, CallableTransport, HttpTransport, Request
from ic_harness.principal import Principal
from ic_harness.protocol import MAINNET_ROOT_KEY, Ed25519Identity, Identity
from ic_harness.urls import checked_host, public_url

from .capabilities import Capability
from .mainnet import is_mainnet
from .network import Network
from .topology import default_canister_id

if TYPE_CHECKING:
    from ic_harness.agent import AsyncAgent

_MAINNET: Final = frozenset({Capability.UPGRADE, Capability.LOGS})
_LOCAL: Final = _MAINNET | {Capability.CREATE}


class UrlNetwork(Network):
    """A network that listens at `url`. Raises `InputError` when that is no HTTP address."""

    def __init__(self, url: str, deployer: Identity | None = None, *, root_key: bytes | None = None) -> None:
        self._url = _checked(url)
        super().__init__(deployer or Ed25519Identity.generate())
        self._given_root_key = MAINNET_ROOT_KEY if is_mainnet(url) else root_key
        self.capabilities = _MAINNET if is_mainnet(url) else _LOCAL

    @property
    def name(self) -> str:
        """The URL, without user and password."""
        return public_url(self._url)

    @property
    def url(self) -> str:
        """Where the network listens."""
        return self._url

    @functools.cached_property
    def root_key(self) -> bytes:
        """The root key: built in for the Internet Computer, given, or fetched once.

        Raises `CallError` when the network does not answer, `CertificateError` when its status holds no key.
        """
        if self._given_root_key is not None:
            return self._given_root_key
        return Agent(self._transport).root_key()

    @functools.cached_property
    def _transport(self) -> CallableTransport:
        """The connections that all agents share; closing one agent does not close them."""
        return CallableTransport(self._connections.send)

    @functools.cached_property
    def _connections(self) -> HttpTransport:
        return HttpTransport(self._url)

    def status(self) -> dict[str, Any]:
        """Read `/api/v2/status` in one attempt. Raises `CallError`."""
        return Agent(self._transport, retry=NO_RETRIES).status()

    @functools.cached_property
    def _default_canister_id(self) -> Principal | None:
        # dfx and icp-cli run PocketIC behind a gateway that hands paths under /_/ on to it; others know no such
        # path. Without this the canister would come to the subnet of the governance canisters.
        answer = self._transport.send(Request("GET", "/_/topology"))
        return default_canister_id(answer.body) if answer.status == 200 else None

    def _subnet_hint(self) -> Principal | None:
        return self._default_canister_id

    def logs(self, canister: Principal) -> list[str]:
        """Read what a canister printed, as the deployer. Raises `RejectError` when that may not read it."""
        records = self._management.fetch_canister_logs(canister)
        return [bytes(record["content"]).decode(errors="replace") for record in records]

    def _new_agent(self, identity: Identity) -> Agent:
        return Agent(self._transport, identity, root_key=self.root_key)

    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        from ic_harness.agent import AsyncAgent, AsyncHttpTransport  # lazy: start-up time  # noqa: PLC0415

        return AsyncAgent(AsyncHttpTransport(self._url), identity, root_key=self.root_key)

    def close(self) -> None:
        """Close the connections; the network itself keeps running."""
        if "_connections" in vars(self):
            self._connections.close()


def _checked(url: str) -> str:
    checked_host(url)
    return url.rstrip("/")
