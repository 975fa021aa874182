"""A network behind a URL with a name: it may resolve names of canisters, and may have been started by this process."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from ic_harness.errors import CallError, NetworkError, ProtocolError
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.urls import public_url

from .url_network import UrlNetwork


def _no_names(_name: str) -> None:
    return None


def _nothing() -> None:
    return None


class NamedNetwork(UrlNetwork):
    """A network that another tool runs, or the Internet Computer.

    `lookup` finds a canister by the name that the tool gave it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        deployer: Identity | None = None,
        *,
        root_key: bytes | None = None,
        lookup: Callable[[str], Principal | None] = _no_names,
    ) -> None:
        super().__init__(url, deployer, root_key=root_key)
        self._name = name
        self._lookup = lookup
        self._stop: Callable[[], object] = _nothing

    @property
    def name(self) -> str:
        """The name by which it is opened."""
        return self._name

    def canister_id(self, name: str) -> Principal | None:
        """Find a canister by the name that the tool gave it. Raises `InputError` for a damaged file."""
        return self._lookup(name)

    def check(self, advice: str) -> None:
        """Check that the network responds. Raises `NetworkError`, ending with `advice`, when it does not."""
        try:
            self.status()
        except (CallError, ProtocolError) as error:
            raise NetworkError(
                f"the network {self.name} does not answer at {public_url(self.url)}: {advice}"
            ) from error

    def stop_with(self, stop: Callable[[], None]) -> None:
        """Call `stop` when this object is closed, forgotten, or the program ends: it ends what was started for it.

        `stop` must not refer to this object.
        """
        self._stop = weakref.finalize(self, stop)

    def close(self) -> None:
        """Close the connections, and stop the network if it was started for this object."""
        super().close()
        stop, self._stop = self._stop, _nothing
        stop()


def reach(network: NamedNetwork, advice: str) -> NamedNetwork:
    """Return the network when it responds. Otherwise close it and raise `NetworkError`, ending with `advice`."""
    try:
        network.check(advice)
    except BaseException:
        network.close()
        raise
    return network


def start_network(
    begin: Callable[[], object], find: Callable[[], NamedNetwork], stop: Callable[[], None], program: str
) -> NamedNetwork:
    """Start a network by `begin` and reach the one that `find` finds; `stop` ends it, also when that fails."""
    begin()
    try:
        network = reach(find(), f"`{program}` succeeded all the same; see what it prints when run by hand")
    except BaseException:
        stop()
        raise
    network.stop_with(stop)
    return network
