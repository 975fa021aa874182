"""Verifiably encrypted threshold keys (vetKD) on BLS12-381: derivation, and keys encrypted to their receiver.

Interface specification, "Method vetkd_derive_key"; ePrint 2023/616. Public keys are points of G2 (96 bytes), a vetKey
is the BLS signature of the input in the scheme with the public key in front of the message (48 bytes).
"""

from __future__ import annotations

import hashlib
from typing import Final

from ic_harness.protocol import bls

SCHEME: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_"
_CANISTER: Final = b"ic-vetkd-bls12-381-g2-canister-id"
_CONTEXT: Final = b"ic-vetkd-bls12-381-g2-context"
_SCALAR_BYTES: Final = 48
"""Bytes of hash for a scalar: 16 more than it has, so that the bias of the reduction is negligible."""


class TransportKeyError(ValueError):
    """A transport public key is no point of G1."""


def derive(secret: int, canister: bytes, context: bytes) -> int:
    """Derive the secret of a canister, and of its context unless that is empty."""
    secret = (secret + offset(bls.public_key(secret), canister, _CANISTER)) % bls.ORDER
    if context:
        secret = (secret + offset(bls.public_key(secret), context, _CONTEXT)) % bls.ORDER
    return secret


def offset(key: bytes, data: bytes, tag: bytes) -> int:
    """What `data` adds to the public key `key`, each with its length of 8 bytes in front."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (key, data))
    return int.from_bytes(_expanded(message, tag, _SCALAR_BYTES), "big") % bls.ORDER


def _expanded(message: bytes, tag: bytes, length: int) -> bytes:
    """expand_message_xmd of RFC 9380, section 5.3.1, with SHA-256."""
    suffix = tag + len(tag).to_bytes(1, "big")
    first = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block, output = bytes(32), b""
    for number in range(1, -(-length // 32) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + number.to_bytes(1, "big") + suffix).digest()
        output += block
    return output[:length]


def encrypted_key(secret: int, data: bytes, transport_key: bytes) -> bytes:
    """The vetKey of `data` under a derived secret, encrypted to `transport_key`: 192 bytes.

    The randomness of the encryption follows from secret and arguments, so that equal calls give equal bytes. The point
    at infinity is a transport key too, on the network as here: the last 48 bytes are then the key in clear, which is
    how canisters make BLS signatures. Raises `TransportKeyError`.
    """
    public = bls.public_key(secret)
    hidden = hashlib.sha512(secret.to_bytes(32, "big") + transport_key + data).digest()
    random = int.from_bytes(hidden, "big") % (bls.ORDER - 1) + 1
    point = bls.hash_to_g1(public + data, SCHEME)
    try:
        third = bls.sum_in_g1((transport_key, random), (point, secret))
    except ValueError:
        raise TransportKeyError from None
    return bls.sum_in_g1((bls.GENERATOR_G1, random)) + bls.public_key(random) + third
