"""Identities from seed phrases, as dfx, icp-cli and quill derive them.

BIP-39 makes a seed of the words, BIP-32 derives the secp256k1 key at m/44'/223'/0'/0/0 (223 is the Internet
Computer's number in SLIP-44). A phrase must consist of words of BIP-39's English list and have the right checksum,
as dfx demands too: any other text would give an identity that nothing else derives. Errors tell which word is
wrong, never the word itself.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import unicodedata
from importlib.resources import files
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ic_harness.errors import IdentityError
from ic_harness.protocol.identity.ecdsa import Secp256k1Identity

HARDENED: Final = 0x8000_0000
PATH: Final = (44 | HARDENED, 223 | HARDENED, 0 | HARDENED, 0, 0)
_WORDS: Final = frozenset({12, 15, 18, 21, 24})
_WORD: Final = re.compile(r"[a-z]{3,8}")
_KEY: Final = re.compile(r"(?<![0-9a-fA-F])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_SUSPECT: Final = 6
"""So many different words of the list make a text a seed phrase that was put in the wrong place."""
_BITS: Final = 11
"""Bits that a word encodes."""
_ROUNDS: Final = 2048


def identity_from_seed_phrase(phrase: str, passphrase: str = "", *, check: bool = True) -> Secp256k1Identity:
    """Derive the identity of a seed phrase of 12 to 24 words (`passphrase` is BIP-39's, usually none).

    `check` False takes words of any spelling, as the JavaScript libraries do: their examples are such phrases. Raises
    `IdentityError` when number, spelling or checksum of the words are not right.
    """
    words = unicodedata.normalize("NFKD", phrase).split()
    if len(words) not in _WORDS:
        raise IdentityError(f"a seed phrase has 12, 15, 18, 21 or 24 words, got {len(words)}")
    if check:
        _check(words)
    salt = unicodedata.normalize("NFKD", "mnemonic" + passphrase).encode()
    seed = hashlib.pbkdf2_hmac("sha512", " ".join(words).encode(), salt, _ROUNDS)
    return Secp256k1Identity.from_seed(derive(seed, PATH))


def _check(words: list[str]) -> None:
    """Check the words against the list and their checksum (BIP-39, "Generating the mnemonic")."""
    numbers = _numbers()
    unknown = [index for index, word in enumerate(words, 1) if word not in numbers]
    if unknown:
        places = ", ".join(map(str, unknown))
        raise IdentityError(
            f"a seed phrase has English words of BIP-39 in lower case only; not so: word {places}"
        )
    bits = 0
    for word in words:
        bits = bits << _BITS | numbers[word]
    # Every 32 bits of entropy have one bit of checksum behind all of them.
    size = _BITS * len(words) // 33
    entropy = (bits >> size).to_bytes(4 * size, "big")
    if hashlib.sha256(entropy).digest()[0] >> 8 - size != bits & ((1 << size) - 1):
        raise IdentityError(
            "the checksum of the seed phrase is wrong: a word is another one, or in another place"
        )


def looks_secret(text: str) -> bool:
    """Whether a text may be a seed phrase, however its words are separated, or a key in hexadecimal."""
    words = {word for word in _WORD.findall(text.lower()) if word in _numbers()}
    return len(words) >= _SUSPECT or _KEY.search(text) is not None


@functools.cache
def _numbers() -> dict[str, int]:
    """The 2,048 words with their numbers, in the order of BIP-39."""
    text = files(__package__).joinpath("bip39_english.txt").read_text(encoding="ascii")
    return {word: number for number, word in enumerate(text.split())}


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
