"""Private keys in PEM form that need the library's readers and writers; loaded at the first one."""

from __future__ import annotations

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from ic_harness.errors import IdentityError
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.identity.ecdsa import P256Identity, Secp256k1Identity
from ic_harness.protocol.identity.ed25519 import Ed25519Identity


def load_key(pem: bytes, der: bytes | None, passphrase: bytes | None, where: str) -> Identity:
    """Read the identity of a key: from `der` (PKCS#8, not encrypted) if given, else from `pem`.

    `where` names the place in errors. Raises `IdentityError`.
    """
    try:
        key = load_der_private_key(der, None) if der is not None else load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        # The last one for an Ed25519 seed of 33 bytes. The library's own message is dropped: it may quote what it read.
        reason = (
            "damaged, or of an unsupported kind" if passphrase is None else "wrong passphrase, or damaged"
        )
        raise IdentityError(f"the private key{where} cannot be read: {reason}") from None
    return _identity(key, where)


def _identity(key: object, where: str) -> Identity:
    match key:
        case Ed25519PrivateKey():
            return Ed25519Identity(key)
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256K1()):
            return Secp256k1Identity(key)
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return P256Identity(key)
    kind = type(key).__name__.removesuffix("PrivateKey").strip("_")
    raise IdentityError(
        f"the private key{where} is of an unsupported kind ({kind}): Ed25519, secp256k1 or P-256 is needed"
    )


def dump_key(identity: Identity, passphrase: bytes | None) -> bytes:
    """Write the secret of an identity as PKCS#8 PEM, encrypted when a passphrase is given. Raises `IdentityError`."""
    if not isinstance(identity, Ed25519Identity | Secp256k1Identity | P256Identity):
        raise IdentityError(f"a {type(identity).__name__} has no private key that could be saved")
    protection: KeySerializationEncryption = NoEncryption()
    if passphrase:
        protection = BestAvailableEncryption(passphrase)
    return identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
