"""BLS12-381 signatures as the Internet Computer makes them, and its groups.

Interface specification, "Certification": signatures are points of G1 (48 bytes compressed), keys points of G2
(96 bytes), scheme BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_. Verdicts of public data are remembered, since a replica
sends one certificate to many readers.

The arithmetic is that of `pyblst` (verifying takes about 0.8 ms, signing 0.1 ms) where it is installed, else that of a
Wasm module (about 3 ms and 1 ms); both give the same answers to the same bytes. The environment variable
`IC_HARNESS_BLS` forces one of them: `native` or `wasm`.
"""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import field
from typing import Final, Protocol

from ic_harness.errors import CertificateError, InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import one_line

VARIABLE: Final = "IC_HARNESS_BLS"
"""The environment variable that chooses the implementation."""
SCHEME: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
DER_PREFIX: Final = bytes.fromhex(
    "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100"
)
SIGNATURE_LENGTH: Final = 48
PUBLIC_LENGTH: Final = 96

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The order of both groups: scalars count modulo it."""
GENERATOR_G1: Final = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
"""The standard generator of G1, compressed."""
_GENERATOR_G2: Final = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
"""The standard generator of G2, compressed (draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1)."""
# A compressed point at infinity begins with these bits; as key or signature it would prove anything.
_INFINITY: Final = 0x40
_LONGEST_TAG: Final = 255


class Curve(Protocol):
    """An implementation of the arithmetic; any number of threads may call it.

    Points are compressed. Scalars are at least 0 and below `ORDER`, domain separation tags have at most 255 bytes.
    `verify` and `sum_in_g1` raise `ValueError` for bytes that are no point of the subgroup.
    """

    @property
    def title(self) -> str:
        """What `ic-harness doctor` calls it, with its version."""

    def public_key(self, secret: int) -> bytes:
        """Return that multiple of the generator of G2."""

    def hash_to_g1(self, message: bytes, tag: bytes) -> bytes:
        """Hash to a point of G1 (RFC 9380, SHA-256)."""

    def sign(self, secret: int, message: bytes, tag: bytes) -> bytes:
        """Return that multiple of the message's point of G1."""

    def verify(self, key: bytes, message: bytes, tag: bytes, signature: bytes) -> bool:
        """Compare e(signature, generator) with e(hash, key)."""

    def sum_in_g1(self, terms: tuple[tuple[bytes, int], ...]) -> bytes:
        """Add multiples of points of G1; no terms are the point at infinity."""


def implementation() -> str:
    """Return the name and version of what does the arithmetic. Raises `InputError` like any other function here."""
    return _curve().title


def _curve() -> Curve:
    return _curve_named(_choice())


def _choice() -> str:
    return os.environ.get(VARIABLE, "")


@functools.cache
def _curve_named(choice: str) -> Curve:
    """Return the chosen implementation, for an empty choice the native one if it can be imported.

    Raises `InputError` for an unknown name, and when the native one is chosen and missing.
    """
    if choice not in {"", "native", "wasm"}:
        raise InputError(f"{VARIABLE} is {one_line(choice)!r}: set it to native or wasm, or remove it")
    if choice != "wasm":
        try:
            return NativeCurve()
        except ImportError as error:
            if choice == "native":
                raise InputError(
                    f"{VARIABLE} asks for the native library, which cannot be imported ({error}): "
                    "pip install pyblst, or remove the variable"
                ) from error
    return _wasm_curve()


class NativeCurve:
    """The operations by `pyblst`, the binding of the library blst. Raises `ImportError` where it cannot be loaded."""

    def __init__(self) -> None:
        import pyblst  # lazy: an optional library  # noqa: PLC0415

        self._blst: Final = pyblst
        self._generator: Final = pyblst.BlstP2Element.uncompress(_GENERATOR_G2)
        self._point_of_g2: Final = functools.lru_cache(maxsize=64)(pyblst.BlstP2Element.uncompress)

    @property
    def title(self) -> str:
        """The library's name and version."""
        from importlib.metadata import version  # lazy: start-up time  # noqa: PLC0415

        return f"pyblst {version('pyblst')}"

    def public_key(self, secret: int) -> bytes:
        """Return that multiple of the generator of G2."""
        return bytes(self._generator.scalar_mul(secret).compress())

    def hash_to_g1(self, message: bytes, tag: bytes) -> bytes:
        """Hash to a point of G1."""
        return bytes(self._blst.BlstP1Element.hash_to_group(message, tag).compress())

    def sign(self, secret: int, message: bytes, tag: bytes) -> bytes:
        """Return that multiple of the message's point of G1."""
        return bytes(self._blst.BlstP1Element.hash_to_group(message, tag).scalar_mul(secret).compress())

    def verify(self, key: bytes, message: bytes, tag: bytes, signature: bytes) -> bool:
        """Compare e(signature, generator) with e(hash, key). Raises `ValueError` for bytes that are no point."""
        blst = self._blst
        point = blst.BlstP1Element.uncompress(signature)
        hashed = blst.BlstP1Element.hash_to_group(message, tag)
        left, right = (
            blst.miller_loop(point, self._generator),
            blst.miller_loop(hashed, self._point_of_g2(key)),
        )
        return bool(blst.final_verify(left, right))

    def sum_in_g1(self, terms: tuple[tuple[bytes, int], ...]) -> bytes:
        """Add multiples of points of G1. Raises `ValueError` for bytes that are no point."""
        total = self._blst.BlstP1Element()
        for point, factor in terms:
            total = total + self._blst.BlstP1Element.uncompress(point).scalar_mul(factor)
        return bytes(total.compress())


@functools.cache
def _wasm_curve() -> Curve:
    from .bls_wasm import WasmCurve  # lazy: start-up time  # noqa: PLC0415

    return WasmCurve()


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
    return _curve().public_key(secret % ORDER)


def sign(secret: int | BlsKey, message: bytes) -> bytes:
    """Sign `message` (domain separator included); 48 bytes."""
    scalar = secret.secret if isinstance(secret, BlsKey) else secret
    return _curve().sign(scalar % ORDER, message, SCHEME)


def verify(public_der: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `message` by the key `public_der` (133 bytes, or the bare 96).

    A malformed key or signature is simply not valid: no exception, but `CertificateError` for a key of neither form.
    """
    if len(signature) != SIGNATURE_LENGTH or signature[0] & _INFINITY:
        return False
    key = der_decode(public_der) if len(public_der) != PUBLIC_LENGTH else public_der
    if key[0] & _INFINITY:
        return False
    try:
        return _verify(_choice(), key, message, signature)
    except ValueError:
        return False


@functools.lru_cache(maxsize=512)
def _verify(choice: str, key: bytes, message: bytes, signature: bytes) -> bool:
    return _curve_named(choice).verify(key, message, SCHEME, signature)


def hash_to_g1(message: bytes, scheme: bytes) -> bytes:
    """Hash to a point of G1 (RFC 9380, SHA-256, `scheme` is the domain separation tag); 48 bytes compressed.

    Raises `ValueError` for a tag of more than 255 bytes.
    """
    if len(scheme) > _LONGEST_TAG:
        raise ValueError(f"a domain separation tag has at most {_LONGEST_TAG} bytes, got {len(scheme)}")
    return _curve().hash_to_g1(message, scheme)


def sum_in_g1(*terms: tuple[bytes, int]) -> bytes:
    """Add multiples of points of G1: each term is a compressed point of 48 bytes and its factor.

    Raises `ValueError` for bytes that are no point of the group.
    """
    return _curve().sum_in_g1(tuple((point, factor % ORDER) for point, factor in terms))


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
