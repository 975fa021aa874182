"""Verifies signatures by every kind of key in the interface specification, chosen by the DER key.

Interface specification, "Signatures". The schemes are a table of DER prefixes; a verifier is a function that
raises `EnvelopeError` with the reason, or returns. Keys are parsed once and remembered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ic_harness.errors import EnvelopeError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol.identity.canister_signature import verify_canister_signature
from ic_harness.protocol.identity.der import (
    CANISTER,
    ECDSA,
    ED25519,
    ED25519_LENGTH,
    ED25519_PREFIX,
    WEBAUTHN,
    algorithm,
)


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
    if len(public_key_der) != ED25519_LENGTH or not public_key_der.startswith(ED25519_PREFIX):
        raise EnvelopeError("Invalid public key: not an Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(public_key_der[len(ED25519_PREFIX) :])


def _verify_ecdsa(public_key_der: bytes, payload: bytes, signature: bytes, _trust: Trust) -> None:
    from ic_harness.protocol.identity.verify_ecdsa import verify_ecdsa  # lazy: start-up time  # noqa: PLC0415

    verify_ecdsa(public_key_der, payload, signature)


def _verify_webauthn(public_key_der: bytes, payload: bytes, signature: bytes, _trust: Trust) -> None:
    from ic_harness.protocol.identity.webauthn import verify_webauthn  # lazy: start-up time  # noqa: PLC0415

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
