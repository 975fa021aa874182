"""What a command works with: an open network and the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ic_harness.agent import Agent
from ic_harness.errors import InputError, PrincipalError, StateError
from ic_harness.networks import Network, embedded, open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .identities import load_identity, own_identity
from .place import Place
from .remembered import recall, remember
from .served import running_server

if TYPE_CHECKING:
    from ic_harness.networks import EmbeddedNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open network and the caller."""

    place: Place
    network: Network
    identity: Identity

    def agent(self) -> Agent:
        """Make a client that calls as the caller."""
        return self.network.agent(self.identity)

    def canister(self, name: str) -> Principal | None:
        """Find a canister that was deployed as `name`, from here or by the network's own tool, and is still there."""
        known = recall(self.place.state_dir, self.network.root_key, name)
        if known is not None and self.network.exists(known):
            return known
        known = self.network.canister_id(name)
        return known if known is not None and self.network.exists(known) else None

    def target(self, text: str) -> Principal:
        """Find the canister that a person means by a name or an id. Raises `InputError` when there is none."""
        known = self.canister(text)
        if known is not None:
            return known
        try:
            return Principal.from_text(text)
        except PrincipalError as error:
            raise InputError(f"{text!r} is no canister known here, and no canister id: {error}") from error

    def create(self, name: str) -> Principal:
        """Make an empty canister and keep its id, so that a command that fails later leaves none behind."""
        canister = self.network.create_canister()
        remember(self.place.state_dir, self.network.root_key, name, canister)
        return canister


@contextmanager
def open_session(place: Place) -> Iterator[Session]:
    """Open the network and load the caller's identity; closes the network at the end.

    Raises `InputError` for a wrong network or key, `StateError` when the state folder is damaged or in use.
    """
    identity = load_identity(place.identity) if place.identity else None
    network = _open(place, identity)
    try:
        yield Session(place=place, network=network, identity=identity or own_identity(place.state_dir))
    finally:
        network.close()


def _open(place: Place, identity: Identity | None) -> Network:
    # Canisters of an embedded network belong to the key in its state folder, so that whoever holds the folder
    # can upgrade them, over HTTP too; elsewhere they belong to the caller.
    if place.network == "embedded":
        return open_embedded(place)
    return open_network(place.network, place.state_dir, deployer=identity or own_identity(place.state_dir))


def open_embedded(place: Place, latency: str = "none", nodes: int = 13) -> EmbeddedNetwork:
    """Open the embedded network of the state folder; a folder in use is told with the process that has it."""
    try:
        deployer = own_identity(place.state_dir)
        return embedded(place.state_dir, deployer=deployer, latency=latency, nodes=nodes)
    except StateError as error:
        server = running_server(place.state_dir)
        if server is None:
            raise
        raise StateError(
            f"{place.state_dir} is served by process {server.pid}: use --network {server.url}, or stop it"
        ) from error
