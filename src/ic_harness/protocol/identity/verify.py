"""Verifies signatures by every kind of key in the interface specification, chosen by the DER key.

Interface specification, "Signatures". The schemes are a table of DER prefixes; a verifier is a function that
raises `EnvelopeError` with the reason, or returns. Keys are parsed once and remembered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ic_harness.errors import EnvelopeError
from ic_harness.protocol.identity.canister_signature import verify_canister_signature
from ic_harness.protocol.identity.der import (
    ALGORITHMS,
    CANISTER,
    ECDSA,
    ED25519,
    ED25519_LENGTH,
    ED25519_PREFIX,
    WEBAUTHN,
    algorithm,
)
from ic_harness.protocol.identity.webauthn import verify_webauthn

_CURVES: Final = (ec.SECP256R1, ec.SECP256K1)


@dataclass(frozen=True, slots=True)
class Trust:
    """What canister signatures are verified with: the root key (None refuses them) and the time, ns."""

    root_key_der: bytes | None
    now_ns: int


def verify_signature(public_key_der: bytes, payload: bytes, signature: bytes, trust: Trust) -> None:
    """Check `signature` over `payload` (domain separator included) by the key. Raises `EnvelopeError`."""
    usual = len(public_key_der) == ED25519_LENGTH and public_key_der.startswith(ED25519_PREFIX)
    name = ED25519 if usual else algorithm(public_key_der)
    _VERIFIERS[name](public_key_der, payload, signature, trust)


def _verify_ed25519(public_key_der: bytes, payload: bytes, signature: bytes, _trust: Trust) -> None:
    try:
        _ed25519_key(public_key_der).verify(signature, payload)
    except InvalidSignature:
        raise EnvelopeError("Invalid signature: the Ed25519 signature does not match the request") from None


@functools.lru_cache(maxsize=1024)
def _ed25519_key(public_key_der: bytes) -> Ed25519PublicKey:
    key = _load(public_key_der)
    if not isinstance(key, Ed25519PublicKey):
        raise EnvelopeError("Invalid public key: not an Ed25519 key")
    return key


def _verify_ecdsa(public_key_der: bytes, payload: bytes, signature: bytes, _trust: Trust) -> None:
    if len(signature) != 64:
        raise EnvelopeError(f"Invalid signature: an ECDSA signature has 64 bytes, got {len(signature)}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        _ecdsa_key(public_key_der).verify(encode_dss_signature(r, s), payload, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise EnvelopeError("Invalid signature: the ECDSA signature does not match the request") from None


@functools.lru_cache(maxsize=1024)
def _ecdsa_key(public_key_der: bytes) -> ec.EllipticCurvePublicKey:
    key = _load(public_key_der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise EnvelopeError("Invalid public key: only the curves P-256 and secp256k1 are supported")
    return key


def _load(public_key_der: bytes) -> object:
    try:
        return load_der_public_key(public_key_der)
    except (ValueError, UnsupportedAlgorithm):
        raise EnvelopeError("Invalid public key: not well-formed DER of a supported key") from None


def _verify_webauthn(public_key_der: bytes, payload: bytes, signature: bytes, _trust: Trust) -> None:
    verify_webauthn(public_key_der, payload, signature)


def _verify_canister(public_key_der: bytes, payload: bytes, signature: bytes, trust: Trust) -> None:
    if trust.root_key_der is None:
        raise EnvelopeError("Invalid signature: canister signatures cannot be checked without a root key")
    verify_canister_signature(public_key_der, payload, signature, trust.root_key_der)


_VERIFIERS: Final[dict[str, Callable[[bytes, bytes, bytes, Trust], None]]] = {
    ED25519: _verify_ed25519,
    ECDSA: _verify_ecdsa,
    WEBAUTHN: _verify_webauthn,
    CANISTER: _verify_canister,
}
if set(_VERIFIERS) != set(ALGORITHMS):
    raise AssertionError("every algorithm needs a verifier")
