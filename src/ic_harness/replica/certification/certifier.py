"""One certified state a round, signed once when the first reader asks.

Interface specification, "Certification". Certificates of the root subnet need no delegation; those of the others carry
one that the root's key signed (`delegations`). Signing takes 0.1 ms; readers of the same round share the signature.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from ic_harness.protocol import Certificate, Tree, bls, prune, sign_root
from ic_harness.replica.certification.delegations import Delegations
from ic_harness.replica.certification.state_tree import CanisterParts, StateTree
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import ReplicatedState, RequestRecord


class Certified:
    """The state after one round; immutable, read from any thread."""

    def __init__(
        self,
        make: Callable[[], Tree],
        key: bls.BlsKey,
        time_ns: int,
        data: Mapping[bytes, bytes],
        delegations: Delegations | None = None,
    ) -> None:
        self.time_ns = time_ns
        self.certified_data = data
        self._make = make
        self._key = key
        self._delegations = delegations
        self._tree: Tree | None = None
        self._signature: bytes | None = None
        self._data_certificates: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    @property
    def tree(self) -> Tree:
        """The whole tree, put together for its first reader."""
        with self._lock:
            if self._tree is None:
                self._tree = self._make()
            return self._tree

    def certificate(self, paths: Iterable[Sequence[bytes]]) -> bytes:
        """The CBOR of a certificate that shows the time and the subtrees at `paths`."""
        tree = self.tree
        with self._lock:
            if self._signature is None:
                self._signature = sign_root(tree, self._key)
        shown = prune(tree, [(b"time",), *paths])
        delegation = None if self._delegations is None else self._delegations.at(self.time_ns)
        return Certificate(shown, self._signature, delegation).to_cbor()

    def data_certificate(self, canister_id: bytes) -> bytes:
        """The certificate that a query of the canister may pass on: time and certified data."""
        known = self._data_certificates.get(canister_id)
        if known is None:
            known = self.certificate([(b"canister", canister_id, b"certified_data")])
            self._data_certificates[canister_id] = known
        return known


class Certifier:
    """Keeps the state tree and returns the certified state of the last round."""

    def __init__(
        self,
        subnet: Subnet,
        key: bls.BlsKey,
        registry: Registry | None = None,
        delegations: Delegations | None = None,
    ) -> None:
        self._tree = StateTree(subnet, registry or Registry([subnet]))
        self._key = key
        self._delegations = delegations
        self._data: dict[bytes, bytes] = {}
        self._latest: Certified | None = None

    def update(
        self,
        state: ReplicatedState,
        canisters: Mapping[bytes, CanisterParts | None],
        requests: Mapping[bytes, RequestRecord | None],
    ) -> None:
        """Take in what a round changed and make it the certified state."""
        self._tree.update_canisters(canisters)
        self._tree.update_requests(requests)
        self._certify(state, canisters)

    def replace(
        self,
        state: ReplicatedState,
        canisters: Mapping[bytes, CanisterParts | None],
        requests: Mapping[bytes, RequestRecord | None],
    ) -> None:
        """Make another state the certified one, which has these canisters and requests and no others."""
        self._tree.replace(canisters, requests)
        self._data = {}
        self._certify(state, canisters)

    def _certify(self, state: ReplicatedState, canisters: Mapping[bytes, CanisterParts | None]) -> None:
        known = self._data
        for canister_id, parts in canisters.items():
            if (None if parts is None else parts[0].certified_data) != known.get(canister_id):
                kept = {key: data for key, data in known.items() if key not in canisters}
                self._data = kept | {
                    key: it[0].certified_data for key, it in canisters.items() if it is not None
                }
                break
        self._latest = Certified(
            self._tree.frozen(state), self._key, state.time_ns, self._data, self._delegations
        )

    def show_subnets(self, subnets: Sequence[Subnet]) -> None:
        """Certify the keys, ranges and types of these subnets from now on; `update` must follow."""
        self._tree.show_subnets(subnets)

    @property
    def latest(self) -> Certified:
        """The certified state of the last round."""
        assert self._latest is not None, "bug: nothing was certified yet"
        return self._latest
