"""Checking canister signatures: what Internet Identity signs with.

Interface specification, "Canister signatures". The key names a canister and a seed; the signature is a
certificate for the canister's certified data together with a tree of that root, which holds `sig/<hash of
seed>/<hash of payload>`.
"""

from __future__ import annotations

from hashlib import sha256

from ic_harness.errors import CborError, CertificateError, EnvelopeError
from ic_harness.principal import MAX_LENGTH, Principal
from ic_harness.protocol import cbor
from ic_harness.protocol.certificate import Certificate
from ic_harness.protocol.hash_tree import Tree, digest
from ic_harness.protocol.identity.der import CANISTER, wrap_key, wrapped_key
from ic_harness.protocol.tree_cbor import MAX_TREE_DEPTH, tree_from_value, tree_to_cbor
from ic_harness.protocol.tree_paths import lookup_value


def canister_key_der(canister_id: Principal, seed: bytes) -> bytes:
    """The DER public key of a canister and seed."""
    return wrap_key(CANISTER, bytes((len(canister_id.raw),)) + canister_id.raw + seed)


def read_canister_key(public_key_der: bytes) -> tuple[Principal, bytes]:
    """The canister and seed of such a key. Raises `EnvelopeError`."""
    raw = wrapped_key(public_key_der)
    size = int.from_bytes(raw[:1], "big")
    if size > MAX_LENGTH or len(raw) < 1 + size:
        raise EnvelopeError("Invalid public key: a canister signature key begins with the canister's id")
    return Principal(raw[1 : 1 + size]), raw[1 + size :]


def write_canister_signature(certificate: Certificate, tree: Tree) -> bytes:
    """The CBOR of a signature whose parts are known; used by tests and by stand-ins of Internet Identity."""
    return cbor.encode({"certificate": certificate.to_cbor(), "tree": tree_to_cbor(tree)})


def verify_canister_signature(
    public_key_der: bytes, payload: bytes, signature: bytes, root_key_der: bytes
) -> None:
    """Check a canister signature over `payload` (domain separator included). Raises `EnvelopeError`.

    The time of the certificate does not count: such signatures stay valid, delegations carry the expiration.
    """
    canister_id, seed = read_canister_key(public_key_der)
    try:
        certificate, tree = _parts(signature)
        _check(certificate, tree, canister_id, root_key_der)
        found = lookup_value(tree, (b"sig", sha256(seed).digest(), sha256(payload).digest()))
    except (CertificateError, CborError) as problem:
        raise EnvelopeError(f"Invalid signature: canister signature of {canister_id}: {problem}") from None
    if found != b"":
        raise EnvelopeError(f"Invalid signature: canister {canister_id} did not sign this request")


def _parts(signature: bytes) -> tuple[Certificate, Tree]:
    match cbor.decode(signature, max_depth=MAX_TREE_DEPTH):
        case {"certificate": bytes(certificate), "tree": tree}:
            return Certificate.from_cbor(certificate), tree_from_value(tree)
    raise CertificateError("expected a map with `certificate` and `tree`")


def _check(certificate: Certificate, tree: Tree, canister_id: Principal, root_key_der: bytes) -> None:
    certificate.verify(root_key_der, canister_id=canister_id, now_ns=None)
    certified = lookup_value(certificate.tree, (b"canister", canister_id.raw, b"certified_data"))
    if certified != digest(tree):
        raise CertificateError("the canister's certified data is not the root hash of the signature's tree")
