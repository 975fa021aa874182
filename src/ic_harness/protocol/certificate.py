"""Certificates: a hash tree whose root a subnet signed.

Interface specification, "Certification": check the signature of the root hash with the subnet's key; that
key is the root key itself, or is proven by a delegation that the root subnet signed and that names the
canisters the subnet is responsible for. Time is an argument: nothing here reads a clock.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ic_harness.errors import CertificateError, PrincipalError, ProtocolError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import bls, cbor
from ic_harness.protocol.hash_tree import Tree, digest
from ic_harness.protocol.request_id import domain, leb128_decode
from ic_harness.protocol.tree_cbor import MAX_TREE_DEPTH, tree_from_value, tree_to_cbor
from ic_harness.protocol.tree_paths import (
    Found,
    LookupResult,
    Missing,
    Subtree,
    list_children,
    lookup,
    lookup_value,
)
from ic_harness.units import MINUTE, Nanos

MAINNET_ROOT_KEY: Final = bytes.fromhex(
    "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100"
    "814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14fb5d9c0cd546d968"
    "5f913a0c0b2cc5341583bf4b4392e467db96d65b9bb4cb717112f8472e0d5a4d14505ffd7484b012"
    "91091c5f87b98883463f98091a0baaae"
)
"""The DER root key of the Internet Computer; recorded certificates in the tests verify with it."""

STATE_ROOT_DOMAIN: Final = domain(b"ic-state-root")

MAX_AGE: Final = 5 * MINUTE
"""How far a certificate's time may be from now, both ways.

The same window as in DFINITY's JavaScript agent.
"""

DELEGATION_MAX_AGE: Final = 30 * 24 * 60 * MINUTE
"""How old the certificate inside a delegation may be; the same agent's figure. Subnets renew theirs daily.

Into the future it may not be more than `MAX_AGE` ahead, like any certificate."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """The root subnet's proof of a subnet's key: the subnet's id (bytes) and a certificate (CBOR) with its key."""

    subnet_id: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A tree, the signature of its root hash, and the delegation that the signing key needs, if any."""

    tree: Tree
    signature: bytes
    delegation: Delegation | None = None

    @classmethod
    def from_cbor(cls, data: bytes) -> Certificate:
        """Decode a certificate; it is not verified yet. Raises `CborError` or `CertificateError`."""
        match cbor.decode(data, max_depth=MAX_TREE_DEPTH):
            case {"tree": tree, "signature": bytes(signature), **rest}:
                return cls(tree_from_value(tree), signature, _delegation(rest.get("delegation")))
        raise CertificateError("no certificate: expected a map with `tree` and `signature`")

    def to_cbor(self) -> bytes:
        """Encode the certificate with the self-describing tag."""
        fields: dict[str, Any] = {"tree": tree_to_cbor(self.tree), "signature": self.signature}
        if self.delegation is not None:
            fields["delegation"] = {
                "subnet_id": self.delegation.subnet_id,
                "certificate": self.delegation.certificate,
            }
        return cbor.encode(fields)

    def lookup(self, path: Sequence[bytes]) -> LookupResult:
        """Follow a path in the tree; see `tree_paths.lookup`."""
        return lookup(self.tree, path)

    def lookup_value(self, path: Sequence[bytes]) -> bytes | None:
        """The value at a path, None when proven absent.

        Raises `CertificateError` when the tree does not show it.
        """
        return lookup_value(self.tree, path)

    @property
    def time_ns(self) -> Nanos:
        """The time of the certified state, in ns. Raises `CertificateError` when there is none."""
        match lookup(self.tree, (b"time",)):
            case Found(value):
                return Nanos(_leb128(value, "time"))
        raise CertificateError("the certificate holds no time")

    def subnet_id(self, root_key_der: bytes) -> bytes:
        """The id of the subnet that signed: the delegation's, or that of the root key itself."""
        if self.delegation is not None:
            return self.delegation.subnet_id
        return Principal.self_authenticating(root_key_der).raw

    @property
    def ranges_tree(self) -> Tree:
        """The tree with the canister ranges: the delegation's, or this one without a delegation."""
        if self.delegation is None:
            return self.tree
        return Certificate.from_cbor(self.delegation.certificate).tree

    def verify(
        self,
        root_key_der: bytes,
        *,
        canister_id: Principal | None,
        now_ns: int | None,
        max_age_ns: int | None = MAX_AGE,
    ) -> None:
        """Verify signature, delegation, canister range and time.

        `canister_id` is the effective canister id that the delegation must cover (None: any). `now_ns` None
        or `max_age_ns` None leaves out the time window. Raises `CertificateError`.
        """
        key = root_key_der
        if self.delegation is not None:
            grant = _check_delegation(self.delegation, root_key_der)
            grant.check(canister_id, now_ns if max_age_ns is not None else None)
            key = grant.public_key
        if not bls.verify(key, STATE_ROOT_DOMAIN + digest(self.tree), self.signature):
            raise CertificateError(
                f"the signature of the certificate is not valid for its root hash {digest(self.tree).hex()} "
                f"and the key …{key[-8:].hex()}; is this the network whose root key you use?"
            )
        if now_ns is not None and max_age_ns is not None:
            check_window("certificate", self.time_ns, now_ns, max_age_ns)


def check_window(what: str, time_ns: int, now_ns: int, max_age_ns: int) -> None:
    """Check that `time_ns` is within `max_age_ns` of now, both ways. Raises `CertificateError`."""
    drift = (now_ns - time_ns) / 1e9
    if abs(now_ns - time_ns) > max_age_ns:
        when = f"{drift:.0f} s old" if drift > 0 else f"{-drift:.0f} s in the future"
        raise CertificateError(
            f"the {what} is {when}; at most {max_age_ns / 1e9:.0f} s are accepted (check the clocks)"
        )


def _leb128(value: bytes, what: str) -> int:
    try:
        return leb128_decode(value)
    except ProtocolError as problem:
        raise CertificateError(f"the {what} in the certificate is not a number: {problem}") from None


def _delegation(value: Any) -> Delegation | None:
    match value:
        case None:
            return None
        case {"subnet_id": bytes(subnet_id), "certificate": bytes(certificate)}:
            return Delegation(subnet_id, certificate)
    raise CertificateError("a certificate's delegation needs `subnet_id` and `certificate`")


class _Grant(NamedTuple):
    """What a verified delegation allows; cached, because every response carries the same one."""

    subnet_id: bytes
    public_key: bytes
    time_ns: Nanos
    tree: Tree

    def check(self, canister_id: Principal | None, now_ns: int | None) -> None:
        """Check the range for a canister and the age of the delegation. Raises `CertificateError`."""
        if now_ns is not None:
            # Old ones are usual, for subnets keep a delegation for days; one from the future never is.
            allowed = DELEGATION_MAX_AGE if now_ns > self.time_ns else MAX_AGE
            check_window("delegation", self.time_ns, now_ns, allowed)
        if canister_id is not None and not covers(self.tree, self.subnet_id, canister_id):
            raise CertificateError(
                f"the certificate comes from subnet {Principal(self.subnet_id)}, which is not responsible "
                f"for canister {canister_id}"
            )


# Only valid delegations are cached (an exception is not), so filling the cache takes valid signatures.
@functools.lru_cache(maxsize=64)
def _check_delegation(delegation: Delegation, root_key_der: bytes) -> _Grant:
    inner = Certificate.from_cbor(delegation.certificate)
    if inner.delegation is not None:
        raise CertificateError("the certificate inside a delegation holds a delegation itself")
    inner.verify(root_key_der, canister_id=None, now_ns=None)
    try:
        subnet = Principal(delegation.subnet_id)
    except PrincipalError as problem:
        raise CertificateError(f"the subnet id of a delegation is no principal: {problem}") from None
    key = lookup_value(inner.tree, (b"subnet", subnet.raw, b"public_key"))
    if key is None:
        raise CertificateError(f"the delegation does not prove a key for subnet {subnet}")
    bls.der_decode(key)
    return _Grant(subnet.raw, key, inner.time_ns, inner.tree)


def covers(tree: Tree, subnet_id: bytes, canister_id: Principal) -> bool:
    """Whether a verified tree says that the subnet is responsible for the canister.

    Looks at the sharded ranges `/canister_ranges/<subnet>/<first id>` and at the flat
    `/subnet/<subnet>/canister_ranges`. Raises `CertificateError` when the tree shows neither.
    """
    raw = canister_id.raw
    flat = lookup(tree, (b"subnet", subnet_id, b"canister_ranges"))
    if isinstance(flat, Found):
        return _in_ranges(flat.value, raw)
    shards = lookup(tree, (b"canister_ranges", subnet_id))
    if not isinstance(shards, Subtree):
        if flat is Missing.ABSENT and shards is Missing.ABSENT:
            return False
        raise CertificateError(f"the certificate shows no canister ranges of subnet {Principal(subnet_id)}")
    firsts = [label for label in list_children(shards.tree, ()) if label <= raw]
    if not firsts:
        return False
    # A pruned shard between this one and the id could only make the answer "no" where "yes" is true.
    ranges = lookup_value(shards.tree, (firsts[-1],))
    return ranges is not None and _in_ranges(ranges, raw)


def _in_ranges(encoded: bytes, raw: bytes) -> bool:
    ranges = cbor.decode(encoded)
    for pair in ranges if isinstance(ranges, list) else [None]:
        match pair:
            case [bytes(low), bytes(high)]:
                if low <= raw <= high:
                    return True
            case _:
                raise CertificateError("canister ranges are not a list of pairs of ids")
    return False


def sign_root(root: Tree | bytes, key: bls.BlsKey) -> bytes:
    """Sign a tree, or its root hash (32 bytes), as a subnet does; 48 bytes.

    One signature serves every pruning.
    """
    return bls.sign(key, STATE_ROOT_DOMAIN + (root if isinstance(root, bytes) else digest(root)))


def sign_certificate(tree: Tree, key: bls.BlsKey, delegation: Delegation | None = None) -> Certificate:
    """Make a certificate for a tree, whole or pruned."""
    return Certificate(tree, sign_root(tree, key), delegation)
