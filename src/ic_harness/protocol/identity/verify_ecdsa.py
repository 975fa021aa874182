"""The verification of ECDSA signatures on P-256 and secp256k1; loaded at the first one."""

from __future__ import annotations

import functools
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ic_harness.errors import EnvelopeError

_CURVES: Final = (ec.SECP256R1, ec.SECP256K1)


def verify_ecdsa(public_key_der: bytes, payload: bytes, signature: bytes) -> None:
    """Check a signature, r and s in 64 bytes, over `payload`. Raises `EnvelopeError`."""
    if len(signature) != 64:
        raise EnvelopeError(f"Invalid signature: an ECDSA signature has 64 bytes, got {len(signature)}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        _key(public_key_der).verify(encode_dss_signature(r, s), payload, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise EnvelopeError("Invalid signature: the ECDSA signature does not match the request") from None


@functools.lru_cache(maxsize=1024)
def _key(public_key_der: bytes) -> ec.EllipticCurvePublicKey:
    key = _load(public_key_der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise EnvelopeError("Invalid public key: only the curves P-256 and secp256k1 are supported")
    return key


def _load(public_key_der: bytes) -> object:
    try:
        return load_der_public_key(public_key_der)
    except (ValueError, UnsupportedAlgorithm):
        raise EnvelopeError("Invalid public key: not well-formed DER of a supported key") from None
