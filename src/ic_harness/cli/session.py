"""The session of a command: an open network and the caller's identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ic_harness.agent import Agent
from ic_harness.errors import InputError, PrincipalError, StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Network, embedded, open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.suggestions import alike, suggest

from .canister_registry import lookup, names, register
from .connection import ConnectionOptions
from .identities import load_identity, own_identity
from .server_lock import running_server

if TYPE_CHECKING:
    from ic_harness.networks import EmbeddedNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open network and the caller."""

    connection: ConnectionOptions
    network: Network
    identity: Identity

    def agent(self) -> Agent:
        """Make a client that calls as the caller."""
        return self.network.agent(self.identity)

    def canister(self, name: str) -> Principal | None:
        """Return a canister that was deployed as `name`, from here or by the network's own tool, and still exists."""
        known = lookup(self.connection.state_dir, self.network.root_key, name)
        if known is not None and self.network.exists(known):
            return known
        known = self.network.canister_id(name)
        return known if known is not None and self.network.exists(known) else None

    def target(self, text: str) -> Principal:
        """Return the canister with a name or an id. Raises `InputError` when there is none."""
        known = self.canister(text)
        if known is not None:
            return known
        try:
            return Principal.from_text(text)
        except PrincipalError as error:
            near = alike(text, names(self.connection.state_dir))
            hint = f"; {suggest(text, near)}" if near else ""
            raise InputError(
                f"{text!r} is no canister known here, and no canister id: {error}{hint}"
            ) from error

    def create(
        self, name: str, canister_id: Principal | None = None, settings: Mapping[str, Any] | None = None
    ) -> Principal:
        """Create an empty canister and register its id at once, so that a later failure leaves no unknown canister.

        `canister_id` requests an id. Raises `RejectError` when it is taken, or the settings are refused.
        """
        canister = self.network.create_canister(canister_id=canister_id, settings=settings)
        register(self.connection.state_dir, self.network.root_key, name, canister)
        return canister


@contextmanager
def open_session(connection: ConnectionOptions) -> Iterator[Session]:
    """Open the network and load the caller's identity; closes the network at the end.

    Raises `InputError` for a wrong network or key, `StateError` when the state folder is damaged or in use.
    """
    identity = load_identity(connection.identity) if connection.identity else None
    network = _open(connection, identity)
    try:
        yield Session(
            connection=connection, network=network, identity=identity or own_identity(connection.state_dir)
        )
    finally:
        network.close()


def _open(connection: ConnectionOptions, identity: Identity | None) -> Network:
    # Canisters of an embedded network are controlled by the key in its state folder, so that every user of the folder
    # can upgrade them, over HTTP too; elsewhere they are controlled by the caller.
    if connection.network == "embedded":
        return open_embedded(connection)
    return open_network(
        connection.network, connection.state_dir, deployer=identity or own_identity(connection.state_dir)
    )


def open_embedded(
    connection: ConnectionOptions,
    latency: str = "none",
    nodes: int = 13,
    *,
    cost_schedule: str = "normal",
    subnets: str | None = None,
    durable: bool = False,
    icp: str | None = None,
    **more: Any,
) -> EmbeddedNetwork:
    """Open the embedded network of the state folder; `more` are further arguments of `embedded`.

    The error for a folder in use names its process.
    """
    try:
        deployer = own_identity(connection.state_dir)
        return embedded(
            connection.state_dir,
            deployer=deployer,
            latency=latency,
            nodes=nodes,
            cost_schedule=cost_schedule,
            subnets=subnets,
            durable=durable,
            icp=icp,
            **more,
        )
    except StateError as error:
        server = running_server(connection.state_dir)
        if server is None:
            raise
        raise StateError(
            f"{connection.state_dir} is served by process {server.pid}: use --network {server.url}, or stop it"
        ) from error
