"""The routing table of a network: its subnets and which canister ids they are responsible for."""

from __future__ import annotations

from collections.abc import Iterable

from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.subnet_kinds import default_subnet


class Registry:
    """The subnets of a network; the first is the root, whose key verifies every certificate."""

    def __init__(self, subnets: Iterable[Subnet]) -> None:
        self.subnets = tuple(subnets)
        self._by_id = {subnet.id: subnet for subnet in self.subnets}

    @property
    def root(self) -> Subnet:
        """The root subnet."""
        return self.subnets[0]

    @property
    def default(self) -> Subnet:
        """The subnet on which canisters are created when no subnet is named.

        It is not one that was added for canister ids of mainnet, which has more ranges than its kind has.
        """
        asked = [subnet for subnet in self.subnets if len(subnet.ranges) <= len(subnet.rules.named) + 1]
        plain = asked or self.subnets
        return plain[default_subnet([subnet.kind for subnet in plain])]

    def select(self, subnets: Iterable[Subnet]) -> None:
        """Make these the subnets; the root stays the first."""
        self.subnets = tuple(subnets)
        self._by_id = {subnet.id: subnet for subnet in self.subnets}

    def find(self, subnet_id: bytes) -> Subnet | None:
        """Return the subnet with this id."""
        return self._by_id.get(subnet_id)

    def host(self, canister_id: bytes) -> Subnet | None:
        """Return the subnet that is responsible for a canister id; None for ids of users and unassigned ids."""
        return next((subnet for subnet in self.subnets if subnet.hosts(canister_id)), None)
