"""Keys of Ed25519: derivation as the Internet Computer does it, and signatures by a derived secret.

Interface specification, "Method schnorr_public_key", and the public crate `ic-ed25519`: HKDF with SHA-512 over key and
path element, the chain code as its salt. A derived key has no seed of its own, so the part of the secret that nonces
are made of is a hash of secret and chain code.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .edwards import ORDER, base_multiple, compress

CHAIN_CODE: Final = bytes(32)
"""The chain code of master keys."""


@functools.lru_cache(maxsize=4096)
def public(secret: int) -> bytes:
    """The public key of a secret scalar; 32 bytes."""
    return compress(base_multiple(secret))


def derive(secret: int, path: Iterable[bytes], chain_code: bytes = CHAIN_CODE) -> tuple[int, bytes]:
    """Derive a secret along a path; returns it with its chain code."""
    for index in path:
        offset, chain_code = child_offset(public(secret), index, chain_code)
        secret = (secret + offset) % ORDER
    return secret, chain_code


def child_offset(key: bytes, index: bytes, chain_code: bytes) -> tuple[int, bytes]:
    """What a path element adds to a public key, and its chain code."""
    output = HKDF(algorithm=SHA512(), length=96, salt=chain_code, info=b"Ed25519").derive(key + index)
    return int.from_bytes(output[:64], "big") % ORDER, output[64:]


def sign(secret: int, chain_code: bytes, message: bytes) -> bytes:
    """Sign a message (RFC 8032, 5.1.6); 64 bytes."""
    key = public(secret)
    prefix = hashlib.sha512(secret.to_bytes(32, "little") + chain_code).digest()[:32]
    nonce = _scalar(prefix, message)
    point = compress(base_multiple(nonce))
    answer = (nonce + _scalar(point, key, message) * secret) % ORDER
    return point + answer.to_bytes(32, "little")


def _scalar(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER
