"""The wire protocol of the Internet Computer: requests, signatures, identities, hash trees, certificates.

Client and replica share it. No module reads a clock; files are read only for identities (`IdentityFolder`) and for the
Wasm module of `bls_wasm`.
"""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names
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
from ic_harness.protocol.envelope import (
    Envelope,
    VerifiedSender,
    check_content,
    check_expiry,
    seal,
    trust_envelope,
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
    Ed25519Identity,
    Identity,
    canister_key_der,
    dump_pem,
    load_pem,
    write_canister_signature,
)
from ic_harness.protocol.management import management_interface
from ic_harness.protocol.query_signature import (
    response_hash,
    sign_query_response,
    verify_query_signatures,
)
from ic_harness.protocol.request_id import (
    RequestId,
    domain,
    hash_of_map,
    leb128_decode,
    leb128_encode,
    request_id,
)
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

if TYPE_CHECKING:
    from ic_harness.protocol.identity import (
        DelegatedIdentity,
        IdentityFolder,
        P256Identity,
        Secp256k1Identity,
        as_identity,
        find_identity,
        identity_from_seed_phrase,
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
    "IdentityFolder",
    "Labeled",
    "Leaf",
    "LookupResult",
    "Missing",
    "P256Identity",
    "Pruned",
    "RequestId",
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
    "find_identity",
    "hash_of_map",
    "identity_from_seed_phrase",
    "leb128_decode",
    "leb128_encode",
    "list_children",
    "load_pem",
    "lookup",
    "lookup_value",
    "management_interface",
    "prune",
    "request_id",
    "response_hash",
    "seal",
    "sign_certificate",
    "sign_query_response",
    "sign_root",
    "tree_from_cbor",
    "tree_to_cbor",
    "trust_envelope",
    "update",
    "verify_envelope",
    "verify_query_signatures",
    "write_canister_signature",
]

_LAZY = dict.fromkeys(
    (
        "DelegatedIdentity",
        "IdentityFolder",
        "P256Identity",
        "Secp256k1Identity",
        "as_identity",
        "find_identity",
        "identity_from_seed_phrase",
    ),
    ".identity",
)

__getattr__ = lazy_names(__name__, _LAZY)
