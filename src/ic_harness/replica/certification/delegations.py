"""The delegations of a subnet: certificates of the root subnet that prove the subnet's key and its canister ranges.

Interface specification, "Delegation". A delegation shows `/subnet/<id>/public_key`, `/subnet/<id>/canister_ranges`,
`/canister_ranges/<id>` and the time, and nothing else. Agents accept one that is up to 30 days old, so each is kept for
a day of the network's time; it follows from the time alone, so that two runs make the same ones.
"""

from __future__ import annotations

import threading
from typing import Final

from ic_harness.protocol import Delegation, bls, build, leb128_encode, sign_certificate
from ic_harness.replica.certification.state_tree import public_part, shards
from ic_harness.replica.state.config import Subnet
from ic_harness.units import MINUTE

RENEWED: Final = 24 * 60 * MINUTE
"""How long a delegation is used, in ns."""


class Delegations:
    """Makes the delegations of one subnet with the root subnet's key. Thread-safe."""

    def __init__(self, subnet: Subnet, root: bls.BlsKey) -> None:
        self._subnet = subnet
        self._root = root
        self._lock = threading.Lock()
        self._made: tuple[int, Delegation] | None = None

    def at(self, time_ns: int) -> Delegation:
        """Return the delegation for a certificate of this time; at most a day older than it."""
        began = time_ns - time_ns % RENEWED
        with self._lock:
            if self._made is None or self._made[0] != began:
                self._made = began, self._make(began)
            return self._made[1]

    def _make(self, time_ns: int) -> Delegation:
        subnet = self._subnet
        tree = build(
            {
                b"canister_ranges": {subnet.id: shards(subnet)},
                b"subnet": {subnet.id: public_part(subnet)},
                b"time": leb128_encode(time_ns),
            }
        )
        return Delegation(subnet.id, sign_certificate(tree, self._root).to_cbor())
