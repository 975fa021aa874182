"""The wire of the Internet Computer: requests, signatures, identities, hash trees, certificates.

Both ends use it, so nothing here knows who sends and who answers; nothing here does I/O or asks a clock.
"""

from ic_harness.protocol import bls, cbor
from ic_harness.protocol.certificate import (
    MAINNET_ROOT_KEY,
    Certificate,
    Delegation,
    covers,
    sign_certificate,
    sign_root,
)
from ic_harness.protocol.delegation import SignedDelegation, create_delegation
from ic_harness.protocol.envelope import Envelope, seal
from ic_harness.protocol.envelope_check import (
    VerifiedSender,
    check_content,
    check_expiry,
    verify_envelope,
)
from ic_harness.protocol.hash_tree import (
    EMPTY,
    Empty,
    Fork,
    Labeled,
    Leaf,
    Pruned,
    Tree,
    build,
    digest,
    update,
)
from ic_harness.protocol.identity import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    Identity,
    P256Identity,
    Secp256k1Identity,
    as_identity,
    canister_key_der,
    dump_pem,
    load_pem,
    write_canister_signature,
)
from ic_harness.protocol.query_signature import (
    response_hash,
    sign_query_response,
    verify_query_signatures,
)
from ic_harness.protocol.request_id import domain, hash_of_map, leb128_decode, leb128_encode, request_id
from ic_harness.protocol.tree_cbor import tree_from_cbor, tree_to_cbor
from ic_harness.protocol.tree_paths import (
    Absent,
    Found,
    LookupResult,
    Missing,
    Subtree,
    Unknown,
    list_children,
    lookup,
    lookup_value,
    prune,
)

__all__ = [
    "EMPTY",
    "MAINNET_ROOT_KEY",
    "Absent",
    "AnonymousIdentity",
    "Certificate",
    "DelegatedIdentity",
    "Delegation",
    "Ed25519Identity",
    "Empty",
    "Envelope",
    "Fork",
    "Found",
    "Identity",
    "Labeled",
    "Leaf",
    "LookupResult",
    "Missing",
    "P256Identity",
    "Pruned",
    "Secp256k1Identity",
    "SignedDelegation",
    "Subtree",
    "Tree",
    "Unknown",
    "VerifiedSender",
    "as_identity",
    "bls",
    "build",
    "canister_key_der",
    "cbor",
    "check_content",
    "check_expiry",
    "covers",
    "create_delegation",
    "digest",
    "domain",
    "dump_pem",
    "hash_of_map",
    "leb128_decode",
    "leb128_encode",
    "list_children",
    "load_pem",
    "lookup",
    "lookup_value",
    "prune",
    "request_id",
    "response_hash",
    "seal",
    "sign_certificate",
    "sign_query_response",
    "sign_root",
    "tree_from_cbor",
    "tree_to_cbor",
    "update",
    "verify_envelope",
    "verify_query_signatures",
    "write_canister_signature",
]
