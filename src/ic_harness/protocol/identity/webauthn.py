"""Checking WebAuthn signatures: passkeys and security keys, as browsers make them.

Interface specification, "Web Authentication". The key is a COSE key (RFC 9052) inside DER; the signature is
CBOR with `authenticator_data`, `client_data_json` and the authenticator's signature over the first and the
hash of the second. The client data contains the signed payload as its challenge.
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ic_harness.errors import CborError, EnvelopeError
from ic_harness.protocol import cbor
from ic_harness.protocol.identity.der import wrapped_key
from ic_harness.text import parse_json

# A verifier takes the inner signature and the message and raises InvalidSignature.
_Verifier = Callable[[bytes, bytes], None]

# COSE key parameters (RFC 9053): 1 key type, 3 algorithm, -1 curve (or RSA n), -2 x (or RSA e), -3 y.
_KTY, _ALG, _CRV, _X, _Y = 1, 3, -1, -2, -3
_OKP, _EC2, _RSA = 1, 2, 3
_EDDSA, _ES256, _RS256 = -8, -7, -257
_MIN_RSA_BITS: Final = 2048


def verify_webauthn(public_key_der: bytes, payload: bytes, signature: bytes) -> None:
    """Check a WebAuthn signature over `payload` (domain separator included). Raises `EnvelopeError`."""
    authenticator_data, client_data, inner = _parts(signature)
    challenge = _challenge(client_data)
    if challenge != payload:
        raise EnvelopeError("Invalid signature: the WebAuthn challenge is not the signed request")
    verifier = _cose_verifier(wrapped_key(public_key_der))
    try:
        verifier(inner, authenticator_data + sha256(client_data).digest())
    except InvalidSignature:
        raise EnvelopeError("Invalid signature: the WebAuthn signature does not match its data") from None


def _parts(signature: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        fields = cbor.decode(signature)
    except CborError as problem:
        raise EnvelopeError(f"Invalid signature: the WebAuthn signature is {problem}") from None
    match fields:
        # The specification has the client data as text; recorded signatures have it as a byte string, too.
        case {
            "authenticator_data": bytes(data),
            "client_data_json": str() | bytes() as client_data,
            "signature": bytes(inner),
        }:
            return data, client_data.encode() if isinstance(client_data, str) else client_data, inner
    raise EnvelopeError(
        "Invalid signature: a WebAuthn signature holds authenticator_data, client_data_json and signature"
    )


def _challenge(client_data: bytes) -> bytes:
    try:
        text = parse_json(client_data)["challenge"]
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise EnvelopeError("Invalid signature: client_data_json holds no base64url challenge") from None


@functools.lru_cache(maxsize=256)
def _cose_verifier(cose: bytes) -> _Verifier:
    try:
        key = cbor.decode(cose)
    except CborError as problem:
        raise EnvelopeError(f"Invalid public key: the COSE key is {problem}") from None
    if not isinstance(key, dict):
        raise EnvelopeError("Invalid public key: a COSE key is a map")
    kind, algorithm = key.get(_KTY), key.get(_ALG)
    for wanted, make in _KINDS.items():
        if wanted == (kind, algorithm):
            return _made(make, key)
    raise EnvelopeError("Invalid public key: a COSE key must be for ES256, RS256 or EdDSA")


def _made(make: Callable[[dict[Any, Any]], _Verifier], key: dict[Any, Any]) -> _Verifier:
    try:
        return make(key)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise EnvelopeError("Invalid public key: the COSE key has no valid point or modulus") from None


def _es256(key: dict[Any, Any]) -> _Verifier:
    if key[_CRV] != 1:
        raise ValueError("not P-256")
    x, y = key[_X], key[_Y]
    if (len(x), len(y)) != (32, 32):
        raise ValueError("a coordinate without its leading zeros")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    return lambda signature, message: public.verify(signature, message, ec.ECDSA(SHA256()))


def _rs256(key: dict[Any, Any]) -> _Verifier:
    modulus, exponent = int.from_bytes(key[_CRV], "big"), int.from_bytes(key[_X], "big")
    if modulus.bit_length() < _MIN_RSA_BITS:
        raise ValueError("RSA key too short")
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return lambda signature, message: public.verify(signature, message, padding.PKCS1v15(), SHA256())


def _eddsa(key: dict[Any, Any]) -> _Verifier:
    if key[_CRV] != 6:
        raise ValueError("not Ed25519")
    return Ed25519PublicKey.from_public_bytes(key[_X]).verify


_KINDS: Final[dict[tuple[Any, Any], Callable[[dict[Any, Any]], _Verifier]]] = {
    (_EC2, _ES256): _es256,
    (_RSA, _RS256): _rs256,
    (_OKP, _EDDSA): _eddsa,
}
