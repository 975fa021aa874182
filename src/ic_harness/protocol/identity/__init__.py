"""Identities that sign requests, and the verification of signatures of every scheme."""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names
from ic_harness.protocol.identity.base import AnonymousIdentity, Identity
from ic_harness.protocol.identity.canister_signature import canister_key_der, write_canister_signature
from ic_harness.protocol.identity.ed25519 import Ed25519Identity
from ic_harness.protocol.identity.pem import dump_pem, load_pem
from ic_harness.protocol.identity.verify import Trust, verify_signature

if TYPE_CHECKING:
    from ic_harness.protocol.identity.delegated import DelegatedIdentity
    from ic_harness.protocol.identity.ecdsa import P256Identity, Secp256k1Identity
    from ic_harness.protocol.identity.folders import IdentityFolder, find_identity
    from ic_harness.protocol.identity.foreign import as_identity
    from ic_harness.protocol.identity.seed_phrase import identity_from_seed_phrase

__all__ = [
    "AnonymousIdentity",
    "DelegatedIdentity",
    "Ed25519Identity",
    "Identity",
    "IdentityFolder",
    "P256Identity",
    "Secp256k1Identity",
    "Trust",
    "as_identity",
    "canister_key_der",
    "dump_pem",
    "find_identity",
    "identity_from_seed_phrase",
    "load_pem",
    "verify_signature",
    "write_canister_signature",
]

# Most programs use an Ed25519 key from a file or of their own; the others load a library's key formats: 15 ms.
_LAZY = {
    "DelegatedIdentity": ".delegated",
    "IdentityFolder": ".folders",
    "P256Identity": ".ecdsa",
    "Secp256k1Identity": ".ecdsa",
    "as_identity": ".foreign",
    "find_identity": ".folders",
    "identity_from_seed_phrase": ".seed_phrase",
}

__getattr__ = lazy_names(__name__, _LAZY)
