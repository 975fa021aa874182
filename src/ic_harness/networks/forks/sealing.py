"""Encryption of a fork at rest: a key from a passphrase, and records that are encrypted one by one.

The key is scrypt (RFC 7914) of the passphrase and a random salt. A record is

    12 bytes    nonce, random
    n bytes     ciphertext, ChaCha20-Poly1305 (RFC 8439)
    16 bytes    tag

with its place (`wasm_memory 1966080`) as associated data, so that no record can be moved to another place. Random
nonces of 96 bits are safe for 2^32 records of one key, and a fork has at most some 300,000.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass

OVERHEAD: Final = 28
"""Bytes by which a record is longer than its content."""
_NONCE: Final = 12
_KEY: Final = 32
_SALT: Final = 16
_LOG_N: Final = 15
"""2^15 rounds with blocks of 8 times 128 bytes take 32 MiB and about a tenth of a second."""
_MAX_LOG_N: Final = 20
_CHECK: Final = "passphrase"


@dataclass(frozen=True, slots=True)
class Lock:
    """What is stored in the clear to find the key again: the parameters of scrypt, and a record that proves the key."""

    salt: bytes
    log_n: int
    check: bytes

    def to_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {"kdf": "scrypt", "salt": self.salt.hex(), "log_n": self.log_n, "check": self.check.hex()}

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Read what `to_json` returned. Raises `ValueError`, `KeyError` or `TypeError` when it is damaged."""
        salt, log_n, check = bytes.fromhex(found["salt"]), found["log_n"], bytes.fromhex(found["check"])
        known = found["kdf"] == "scrypt" and type(log_n) is int and 0 < log_n <= _MAX_LOG_N
        if not known or len(salt) != _SALT:
            raise ValueError("the parameters of its encryption are not those of this version")
        return cls(salt, log_n, check)


class Sealer:
    """Encrypts and decrypts the records of one fork."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._names = hashlib.sha256(b"ic-harness fork: names\0" + key).digest()

    def name(self, digest: bytes) -> str:
        """Return a file name for content with this SHA-256, from which the digest cannot be guessed."""
        return hmac.digest(self._names, digest, "sha256").hex()

    def seal(self, place: str, content: bytes) -> bytes:
        """Return the record of `content` at `place`."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, place.encode())

    def open(self, place: str, record: bytes) -> bytes:
        """Return the content of a record. Raises `InputError` when it is damaged or of another place or key."""
        try:
            return self._cipher.decrypt(record[:_NONCE], record[_NONCE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise InputError(f"the encrypted content of {place} is damaged") from error


def new_lock(passphrase: str) -> tuple[Lock, Sealer]:
    """Return a new lock and its sealer. Raises `InputError` for an empty passphrase."""
    salt = secrets.token_bytes(_SALT)
    sealer = Sealer(_key(passphrase, salt, _LOG_N))
    return Lock(salt, _LOG_N, sealer.seal(_CHECK, b"")), sealer


def open_lock(lock: Lock, passphrase: str, what: str) -> Sealer:
    """Return the sealer of a lock; `what` names the fork. Raises `InputError` for a wrong passphrase."""
    sealer = Sealer(_key(passphrase, lock.salt, lock.log_n))
    try:
        sealer.open(_CHECK, lock.check)
    except InputError as error:
        raise InputError(f"wrong passphrase for {what}") from error
    return sealer


def _key(passphrase: str, salt: bytes, log_n: int) -> bytes:
    if not passphrase:
        raise InputError("the passphrase is empty")
    return Scrypt(salt=salt, length=_KEY, n=1 << log_n, r=8, p=1).derive(passphrase.encode())
