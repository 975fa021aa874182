"""The state of an agent between requests: identity, root key, known subnets, API versions.

Plain data; the flows in `flow` read and fill it. Each field is assigned as a whole, so threads may share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from ic_harness.agent.retry import RetryPolicy, fresh_nonce, now_ns
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Identity, RequestId, Tree, covers
from ic_harness.units import MINUTE, Nanos

INGRESS_TTL: Final = 4 * MINUTE
"""How long a request stays valid. The replica allows five minutes; one is left for clocks that differ."""

NODE_KEYS_TTL: Final = 5 * MINUTE
"""How long node keys are cached, as in DFINITY's JavaScript agent."""

MAX_SUBNETS: Final = 64


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet whose certificate was verified: the keys of its nodes, and the tree with its canister ranges."""

    subnet_id: bytes
    node_keys: Mapping[bytes, bytes]
    ranges: Tree = field(repr=False)
    read_at_ns: Nanos

    def holds(self, canister_id: Principal) -> bool:
        """Whether the subnet is responsible for the canister."""
        return covers(self.ranges, self.subnet_id, canister_id)


@dataclass(slots=True)
class Session:
    """The state of one agent.

    `root_key` is the DER key of the root subnet, None until it was fetched. `clock` returns ns since 1970.
    `versions` remembers, for each kind of request, how far down the list of API versions the network was
    found. `offset_ns` is added to the clock of a machine that was found to be wrong, see `time_sync`. `sealed` is
    called with every update before it is sent: request id, method, and expiry (ns since 1970).
    """

    identity: Identity
    root_key: bytes | None = None
    clock: Callable[[], int] = now_ns
    nonce: Callable[[], bytes] = fresh_nonce
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    verify_queries: bool = True
    versions: dict[str, int] = field(default_factory=dict)
    subnets: tuple[Subnet, ...] = ()
    offset_ns: int = 0
    sealed: Callable[[RequestId, str, Nanos], None] | None = None

    def now(self) -> Nanos:
        """The network's time, ns since 1970: the clock plus the measured offset."""
        return Nanos(self.clock() + self.offset_ns)

    def pin(self, key: bytes) -> bytes:
        """Trust a root key from now on, unless another thread has pinned one already; returns the pinned key."""
        if self.root_key is None:
            self.root_key = key
        return self.root_key

    def subnet_of(self, canister_id: Principal) -> Subnet | None:
        """The cached subnet of a canister; None without one, or when its node keys are too old."""
        oldest = self.now() - NODE_KEYS_TTL
        for subnet in self.subnets:
            if subnet.read_at_ns >= oldest and subnet.holds(canister_id):
                return subnet
        return None

    def remember(self, subnet: Subnet) -> None:
        """Cache a subnet in place of an earlier entry."""
        others = [known for known in self.subnets if known.subnet_id != subnet.subnet_id]
        self.subnets = (subnet, *others)[:MAX_SUBNETS]
