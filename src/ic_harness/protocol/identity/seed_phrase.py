"""Identities from seed phrases, as dfx, icp-cli and quill derive them.

BIP-39 makes a seed of the words, BIP-32 derives the secp256k1 key at m/44'/223'/0'/0/0 (223 is the Internet
Computer's number in SLIP-44). The list of words is not part of this package, so a misspelt word is not
noticed: compare the principal.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ic_harness.errors import IdentityError
from ic_harness.protocol.identity.ecdsa import Secp256k1Identity

HARDENED: Final = 0x8000_0000
PATH: Final = (44 | HARDENED, 223 | HARDENED, 0 | HARDENED, 0, 0)
_WORDS: Final = frozenset({12, 15, 18, 21, 24})
_ROUNDS: Final = 2048


def identity_from_seed_phrase(phrase: str, passphrase: str = "") -> Secp256k1Identity:
    """Derive the identity of a seed phrase of 12 to 24 words (`passphrase` is BIP-39's, usually none).

    Raises `IdentityError` when the number of words cannot be right.
    """
    words = unicodedata.normalize("NFKD", phrase).split()
    if len(words) not in _WORDS:
        raise IdentityError(f"a seed phrase has 12, 15, 18, 21 or 24 words, got {len(words)}")
    salt = unicodedata.normalize("NFKD", "mnemonic" + passphrase).encode()
    seed = hashlib.pbkdf2_hmac("sha512", " ".join(words).encode(), salt, _ROUNDS)
    return Secp256k1Identity.from_seed(derive(seed, PATH))


def derive(seed: bytes, path: tuple[int, ...]) -> bytes:
    """Derive the private key (32 bytes) at a BIP-32 path of a seed; hardened steps carry `HARDENED`."""
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    for index in path:
        node = _child(node, index)
    return node[:32]


def _child(node: bytes, index: int) -> bytes:
    key, chain_code = node[:32], node[32:]
    start = b"\0" + key if index & HARDENED else _compressed_public_key(key)
    digest = hmac.digest(chain_code, start + index.to_bytes(4, "big"), "sha512")
    scalar = (int.from_bytes(digest[:32], "big") + int.from_bytes(key, "big")) % Secp256k1Identity.order
    return scalar.to_bytes(32, "big") + digest[32:]


def _compressed_public_key(key: bytes) -> bytes:
    private = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256K1())
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
