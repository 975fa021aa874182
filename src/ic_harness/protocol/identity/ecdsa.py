"""ECDSA identities on secp256k1 (dfx, icp-cli, hardware wallets) and P-256 (browsers).

Interface specification, "Signatures": SHA-256, the signature is r and s as 64 bytes, the key is an SPKI with
an uncompressed point.
"""

from __future__ import annotations

from typing import ClassVar, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ic_harness.errors import IdentityError
from ic_harness.protocol.identity.base import KeyIdentity

_ALGORITHM = ec.ECDSA(SHA256())


class _EcdsaIdentity(KeyIdentity):
    """What the two curves share."""

    __slots__ = ("_key",)
    curve: ClassVar[type[ec.EllipticCurve]]
    order: ClassVar[int]

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(key.curve, self.curve):
            raise IdentityError(
                f"{type(self).__name__} needs a key on {self.curve.name}, not {key.curve.name}"
            )
        self._key = key
        super().__init__(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @classmethod
    def generate(cls) -> Self:
        """Make a new random identity."""
        return cls(ec.generate_private_key(cls.curve()))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Make the identity of a 32 byte secret scalar (big endian).

        Raises `IdentityError` when it is none.
        """
        scalar = int.from_bytes(seed, "big")
        if len(seed) != 32 or not 0 < scalar < cls.order:
            raise IdentityError(
                f"a secret of {cls.curve.name} has 32 bytes and is below the order of the curve"
            )
        return cls(ec.derive_private_key(scalar, cls.curve()))

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The key object, for those who store it."""
        return self._key

    def sign(self, payload: bytes) -> bytes:
        """Sign; 64 bytes, r and s. The smaller of s and its negative is taken, as strict verifiers want."""
        r, s = decode_dss_signature(self._key.sign(payload, _ALGORITHM))
        low = min(s, self.order - s)
        return r.to_bytes(32, "big") + low.to_bytes(32, "big")


class Secp256k1Identity(_EcdsaIdentity):
    """Signs with a secp256k1 key."""

    __slots__ = ()
    curve = ec.SECP256K1
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class P256Identity(_EcdsaIdentity):
    """Signs with a P-256 (prime256v1) key."""

    __slots__ = ()
    curve = ec.SECP256R1
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
