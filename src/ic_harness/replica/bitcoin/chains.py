"""The Bitcoin networks of one replica, each made when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .addresses import Network
    from .chain import Chain


class Chains:
    """The chains by network. `refused` are the transactions that canisters sent and that were not valid, with why."""

    def __init__(self) -> None:
        self._chains: dict[Network, Chain] = {}
        self.refused: list[tuple[Network, bytes, str]] = []

    def __getitem__(self, network: Network) -> Chain:
        if network not in self._chains:
            from .chain import Chain  # lazy: start-up time  # noqa: PLC0415

            self._chains[network] = Chain(network)
        return self._chains[network]

    def copy(self) -> Chains:
        """Return independent copies of all chains."""
        other = Chains()
        other._chains = {network: chain.copy() for network, chain in self._chains.items()}
        other.refused = list(self.refused)
        return other
