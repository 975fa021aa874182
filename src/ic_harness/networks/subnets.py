"""The subnets of a network as records, and how one of them is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetInfo:
    """One subnet: its id, its kind such as `application`, its ranges of canister ids, and its nodes.

    `size` is the number of nodes by which fees are computed; `node_ids` are those that sign its answers.
    """

    id: Principal
    kind: str
    canister_ranges: tuple[tuple[Principal, Principal], ...]
    node_ids: tuple[Principal, ...]
    size: int

    @property
    def effective_canister_id(self) -> Principal:
        """The canister id under which canisters are created on this subnet."""
        return self.canister_ranges[-1][0]

    def __contains__(self, canister: object) -> bool:
        """Whether the subnet is responsible for a canister id."""
        raw = Principal.of(canister).raw
        return any(
            low.raw <= raw <= high.raw and len(raw) == len(low.raw) for low, high in self.canister_ranges
        )


SubnetName: TypeAlias = SubnetInfo | Principal | str
"""A subnet: its record, its id, or its kind, of which the first subnet is meant."""


def find_subnet(subnets: Sequence[SubnetInfo], wanted: SubnetName) -> SubnetInfo:
    """Return the subnet that is named. Raises `InputError` when the network has no such subnet."""
    key = wanted.id if isinstance(wanted, SubnetInfo) else wanted
    kind = str(key).lower().replace("-", "_")
    for subnet in subnets:
        if str(key) == str(subnet.id) or kind == subnet.kind:
            return subnet
    known = list(dict.fromkeys(subnet.kind for subnet in subnets))
    raise InputError(f"the network has no subnet {str(key)!r}; {suggest(str(key), known)}")
