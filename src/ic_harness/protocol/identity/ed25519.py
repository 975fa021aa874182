"""Ed25519 identities (RFC 8410 keys), the default of most tools."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ic_harness.errors import IdentityError
from ic_harness.protocol.identity.base import KeyIdentity
from ic_harness.protocol.identity.der import ED25519_PREFIX


class Ed25519Identity(KeyIdentity):
    """Signs with an Ed25519 key; made by `generate`, `from_seed` or `load_pem`."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        super().__init__(ED25519_PREFIX + key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Ed25519Identity:
        """Make a new random identity."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Identity:
        """Make the identity of a 32 byte secret. Raises `IdentityError` for another length."""
        if len(seed) != 32:
            raise IdentityError(f"an Ed25519 seed has 32 bytes, got {len(seed)}")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """The key object, for those who store it."""
        return self._key

    def sign(self, payload: bytes) -> bytes:
        """Sign; 64 bytes."""
        return self._key.sign(payload)
