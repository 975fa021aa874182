"""Identities that sign requests, and the verification of signatures of every scheme."""

from ic_harness.protocol.identity.base import AnonymousIdentity, Identity
from ic_harness.protocol.identity.canister_signature import canister_key_der, write_canister_signature
from ic_harness.protocol.identity.delegated import DelegatedIdentity
from ic_harness.protocol.identity.ecdsa import P256Identity, Secp256k1Identity
from ic_harness.protocol.identity.ed25519 import Ed25519Identity
from ic_harness.protocol.identity.folders import IdentityFolder, find_identity
from ic_harness.protocol.identity.foreign import as_identity
from ic_harness.protocol.identity.pem import dump_pem, load_pem
from ic_harness.protocol.identity.seed_phrase import identity_from_seed_phrase
from ic_harness.protocol.identity.verify import Trust, verify_signature

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
