"""Keys on secp256k1: derivation as the Internet Computer does it, and signatures by ECDSA.

Interface specification, "Method ecdsa_public_key": BIP32 without hardening, generalised to path elements of any bytes,
from a chain code of 32 zeros. An element of four bytes below 2^31 gives exactly what BIP32 gives; a digest beyond the
order of the group (never seen) is handled as SLIP-10 says. A derived secret is the sum of the master secret and the
offsets of the path, so only multiples of the generator are needed, which `cryptography` computes (about
1 ms each) and which are remembered, since canisters use the same paths again and again.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CHAIN_CODE: Final = bytes(32)
"""The chain code of master keys."""
_ECDSA: Final = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)


@functools.lru_cache(maxsize=4096)
def multiple(scalar: int) -> bytes:
    """That multiple of the generator, compressed to 33 bytes. Raises `ValueError` outside of 1 … order - 1."""
    return _key(scalar).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _key(scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, ec.SECP256K1())


def derive(secret: int, path: Iterable[bytes], chain_code: bytes = CHAIN_CODE) -> tuple[int, bytes]:
    """Derive a secret along a path; returns it with its chain code."""
    for index in path:
        secret, chain_code = _child(secret, index, chain_code)
    return secret, chain_code


def _child(secret: int, index: bytes, chain_code: bytes) -> tuple[int, bytes]:
    data = multiple(secret)
    while True:
        offset, next_code = child_offset(data, index, chain_code)
        child = (secret + offset) % ORDER
        if child:
            return child, next_code
        data = b"\x01" + next_code


def child_offset(data: bytes, index: bytes, chain_code: bytes) -> tuple[int, bytes]:
    """What a path element adds to a key, and its chain code; `data` is the compressed key that it is added to."""
    while True:
        digest = hmac.digest(chain_code, data + index, "sha512")
        offset, next_code = int.from_bytes(digest[:32], "big"), digest[32:]
        if offset < ORDER:
            return offset, next_code
        data = b"\x01" + next_code


def sign_ecdsa(secret: int, message_hash: bytes) -> bytes:
    """Sign a digest of 32 bytes: r and s as 64 bytes.

    Nonces are those of RFC 6979. Of s and its negative the smaller one is taken, as the network does.
    """
    r, s = decode_dss_signature(_key(secret).sign(message_hash, _ECDSA))
    return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")


def tagged(tag: str, *parts: bytes) -> int:
    """The tagged hash of BIP340 as a number."""
    name = hashlib.sha256(tag.encode()).digest()
    return int.from_bytes(hashlib.sha256(name + name + b"".join(parts)).digest(), "big")
