"""Schnorr signatures on secp256k1: BIP340, and keys tweaked for Taproot as BIP341 says."""

from __future__ import annotations

from .secp256k1 import ORDER, multiple, tagged

_EVEN = 2
"""The first byte of a compressed point whose y is even."""


def sign(secret: int, message: bytes, auxiliary: bytes = bytes(32)) -> bytes:
    """Sign a message of any length; 64 bytes. `auxiliary` are 32 bytes that vary the nonce: zeros vary nothing."""
    secret, public = _even(secret)
    masked = (secret ^ tagged("BIP0340/aux", auxiliary)).to_bytes(32, "big")
    nonce = tagged("BIP0340/nonce", masked, public, message) % ORDER
    if not nonce:
        raise ArithmeticError("bug: a nonce of zero, which no hash is known to give")
    nonce, point = _even(nonce)
    challenge = tagged("BIP0340/challenge", point, public, message)
    return point + ((nonce + challenge * secret) % ORDER).to_bytes(32, "big")


def tweak(secret: int, merkle_root: bytes) -> int:
    """The secret of the Taproot output key; `merkle_root` has 32 bytes, or none for a key without scripts."""
    secret, public = _even(secret)
    added = tagged("TapTweak", public, merkle_root)
    tweaked = (secret + added) % ORDER
    if added >= ORDER or not tweaked:
        raise ArithmeticError("bug: a tweak out of range, which no hash is known to give")
    return tweaked


def _even(secret: int) -> tuple[int, bytes]:
    """The secret, or its negative, whose point has an even y; and the x of that point."""
    point = multiple(secret)
    return (secret if point[0] == _EVEN else ORDER - secret), point[1:]
