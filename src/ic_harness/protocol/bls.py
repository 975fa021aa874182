"""BLS12-381 signatures as the Internet Computer makes them, and its groups; the only module that imports `pyblst`.

Interface specification, "Certification": signatures are points of G1 (48 bytes compressed), keys points of G2
(96 bytes), scheme BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_. Verifying takes about 0.8 ms, signing 0.1 ms;
verdicts of public data are remembered, since a replica sends one certificate to many readers.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import Final

import pyblst

from ic_harness.errors import CertificateError

SCHEME: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
DER_PREFIX: Final = bytes.fromhex(
    "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100"
)
SIGNATURE_LENGTH: Final = 48
PUBLIC_LENGTH: Final = 96

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The order of both groups: scalars count modulo it."""
# The standard generator of G2, compressed (draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1).
_GENERATOR: Final = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
GENERATOR_G1: Final = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
"""The standard generator of G1, compressed."""
# A compressed point at infinity begins with these bits; as key or signature it would prove anything.
_INFINITY: Final = 0x40


@dataclass(frozen=True, slots=True)
class BlsKey:
    """A key pair; `public` has 96 bytes, `public_der` 133. The secret does not show up in `repr`."""

    secret: int = field(repr=False)
    public: bytes

    @property
    def public_der(self) -> bytes:
        """The public key in the form that `/api/v2/status` and certificates carry."""
        return DER_PREFIX + self.public


def keypair(seed: bytes) -> BlsKey:
    """Derive a key pair from a seed, always the same one; the seed should have at least 32 bytes."""
    # 64 bytes of hash make the bias of the reduction negligible.
    wide = hashlib.sha512(b"ic-harness bls key" + seed).digest()
    secret = int.from_bytes(wide, "big") % (ORDER - 1) + 1
    return BlsKey(secret, public_key(secret))


def public_key(secret: int) -> bytes:
    """The public key of a secret scalar: that multiple of the generator of G2, 96 bytes compressed."""
    return bytes(_generator().scalar_mul(secret).compress())


def sign(secret: int | BlsKey, message: bytes) -> bytes:
    """Sign `message` (domain separator included); 48 bytes."""
    scalar = secret.secret if isinstance(secret, BlsKey) else secret
    return bytes(pyblst.BlstP1Element.hash_to_group(message, SCHEME).scalar_mul(scalar).compress())


def verify(public_der: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `message` by the key `public_der` (133 bytes, or the bare 96).

    A malformed key or signature is simply not valid: no exception.
    """
    if len(signature) != SIGNATURE_LENGTH or signature[0] & _INFINITY:
        return False
    try:
        return _verify(public_der, message, signature)
    except ValueError:
        return False


@functools.lru_cache(maxsize=512)
def _verify(public_der: bytes, message: bytes, signature: bytes) -> bool:
    key = _public_point(public_der)
    point = pyblst.BlstP1Element.uncompress(signature)
    hashed = pyblst.BlstP1Element.hash_to_group(message, SCHEME)
    return bool(pyblst.final_verify(pyblst.miller_loop(point, _generator()), pyblst.miller_loop(hashed, key)))


@functools.lru_cache(maxsize=64)
def _public_point(public_der: bytes) -> pyblst.BlstP2Element:
    raw = der_decode(public_der) if len(public_der) != PUBLIC_LENGTH else public_der
    if raw[0] & _INFINITY:
        raise ValueError("the public key is the point at infinity")
    return pyblst.BlstP2Element.uncompress(raw)


@functools.cache
def _generator() -> pyblst.BlstP2Element:
    return pyblst.BlstP2Element.uncompress(_GENERATOR)


def hash_to_g1(message: bytes, scheme: bytes) -> bytes:
    """Hash to a point of G1 (RFC 9380, SHA-256, `scheme` is the domain separation tag); 48 bytes compressed."""
    return bytes(pyblst.BlstP1Element.hash_to_group(message, scheme).compress())


def sum_in_g1(*terms: tuple[bytes, int]) -> bytes:
    """Add multiples of points of G1: each term is a compressed point of 48 bytes and its factor.

    Raises `ValueError` for bytes that are no point of the group.
    """
    total = pyblst.BlstP1Element()
    for point, factor in terms:
        if len(point) != SIGNATURE_LENGTH:
            raise ValueError(f"a point of G1 has {SIGNATURE_LENGTH} bytes, got {len(point)}")
        total = total + pyblst.BlstP1Element.uncompress(point).scalar_mul(factor)
    return bytes(total.compress())


def der_encode(public: bytes) -> bytes:
    """Wrap a 96 byte public key into DER (133 bytes). Raises `CertificateError` for another length."""
    if len(public) != PUBLIC_LENGTH:
        raise CertificateError(f"a BLS public key has {PUBLIC_LENGTH} bytes, got {len(public)}")
    return DER_PREFIX + public


def der_decode(public_der: bytes) -> bytes:
    """Unwrap a DER public key to its 96 bytes. Raises `CertificateError` when it is none."""
    if len(public_der) != len(DER_PREFIX) + PUBLIC_LENGTH or not public_der.startswith(DER_PREFIX):
        raise CertificateError(
            f"no BLS12-381 public key: expected {len(DER_PREFIX) + PUBLIC_LENGTH} bytes of DER, "
            f"got {len(public_der)} bytes that begin with {public_der[:6].hex()}"
        )
    return public_der[len(DER_PREFIX) :]
