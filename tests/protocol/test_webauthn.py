"""WebAuthn signatures: the algorithms of passkeys, and what is refused."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ic_harness.errors import EnvelopeError
from ic_harness.protocol import cbor
from ic_harness.protocol.identity import Trust, verify_signature
from ic_harness.protocol.identity.der import WEBAUTHN, wrap_key

TRUST = Trust(None, 0)
PAYLOAD = b"\x0aic-request" + bytes(32)


def client_data(challenge):
    """Client data as browsers write it."""
    text = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    return json.dumps({"type": "webauthn.get", "challenge": text, "origin": "https://x"})


def webauthn(cose, sign, payload=PAYLOAD):
    """A DER key and a WebAuthn signature over a payload made with `sign`."""
    data, client = b"authenticator", client_data(payload)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(client.encode())
    inner = sign(data + digest.finalize())
    fields = {"authenticator_data": data, "client_data_json": client, "signature": inner}
    return wrap_key(WEBAUTHN, cbor.encode(cose, tagged=False)), cbor.encode(fields)


def es256(curve=1):
    """A passkey on P-256, the common case."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    cose = {1: 2, 3: -7, -1: curve, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    return webauthn(cose, lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())))


def rs256(bits=2048):
    """A security key with RSA, as Windows makes it."""
    key = rsa.generate_private_key(65537, bits)
    modulus = key.public_key().public_numbers().n.to_bytes(bits // 8, "big")
    cose = {1: 3, 3: -257, -1: modulus, -2: b"\x01\x00\x01"}
    return webauthn(cose, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()))


def eddsa(curve=6, payload=PAYLOAD):
    """A security key with Ed25519."""
    key = Ed25519PrivateKey.generate()
    cose = {1: 1, 3: -8, -1: curve, -2: key.public_key().public_bytes_raw()}
    return webauthn(cose, key.sign, payload)


@pytest.mark.parametrize("make", [es256, rs256, eddsa])
def test_webauthn(make):
    """A WebAuthn signature holds for its payload, and not for another or when a byte changes."""
    key, signature = make()
    verify_signature(key, PAYLOAD, signature, TRUST)
    with pytest.raises(EnvelopeError, match="challenge"):
        verify_signature(key, PAYLOAD + b"x", signature, TRUST)
    with pytest.raises(EnvelopeError):
        verify_signature(key, PAYLOAD, signature[:-1] + bytes([signature[-1] ^ 1]), TRUST)


@pytest.mark.parametrize(
    "cose",
    [
        5,
        {},
        {1: 2, 3: -7},
        {1: 2, 3: -7, -1: 2, -2: b"", -3: b""},
        {1: 3, 3: -257, -1: b"\x01", -2: b"\x03"},
        {1: [], 3: {}},
        {1: 2, 3: -7, -1: 1, -2: b"\x01" * 33, -3: b"\x01" * 32},
        {1: 1, 3: -8, -1: 6, -2: 5},
    ],
)
def test_bad_webauthn_keys(cose):
    """Keys without a point, too short or of another kind are refused."""
    key, payload, signature = _signed(cose)
    with pytest.raises(EnvelopeError, match="Invalid public key"):
        verify_signature(key, payload, signature, TRUST)


@pytest.mark.parametrize("size", range(12))
def test_payloads_of_any_length(size):
    """The challenge comes without the padding of base64, whatever its length."""
    key, signature = eddsa(payload=bytes(range(size)))
    verify_signature(key, bytes(range(size)), signature, TRUST)


def _signed(cose):
    key, signature = webauthn(cose, lambda _: b"")
    return key, PAYLOAD, signature


@pytest.mark.parametrize(
    "make",
    [lambda: es256(curve=2), lambda: rs256(bits=1024), lambda: eddsa(curve=7)],
    ids=["P-384", "RSA 1024", "Ed448"],
)
def test_the_curve_or_length_of_a_key_counts(make):
    """A key that names another curve, or of RSA below 2,048 bits, is refused though its numbers fit and it signed."""
    key, signature = make()
    with pytest.raises(EnvelopeError, match="Invalid public key: the COSE key has no valid point or modulus"):
        verify_signature(key, PAYLOAD, signature, TRUST)


@pytest.mark.parametrize("shape", ["whole", "without its zero", "split elsewhere"])
def test_coordinates_have_32_bytes(shape):
    """A coordinate is written with its leading zeros (RFC 9053, section 7.1.1), so that a key has one principal."""
    points = (ec.derive_private_key(number, ec.SECP256R1()) for number in range(1, 10_000))
    key = next(key for key in points if key.public_key().public_numbers().x < 1 << 248)
    point = key.public_key().public_numbers()
    both = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    start, middle = {"whole": (0, 32), "without its zero": (1, 32), "split elsewhere": (0, 31)}[shape]
    cose = {1: 2, 3: -7, -1: 1, -2: both[start:middle], -3: both[middle:]}
    der, signature = webauthn(cose, lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())))
    if shape == "whole":
        verify_signature(der, PAYLOAD, signature, TRUST)
        return
    with pytest.raises(EnvelopeError, match="Invalid public key: the COSE key has no valid point"):
        verify_signature(der, PAYLOAD, signature, TRUST)


@pytest.mark.parametrize("cose", [b"", b"\xff", b"\xa1\x01"])
def test_keys_that_are_no_cbor(cose):
    """A COSE key is CBOR."""
    with pytest.raises(EnvelopeError, match="Invalid public key: the COSE key is"):
        verify_signature(wrap_key(WEBAUTHN, cose), PAYLOAD, es256()[1], TRUST)


@pytest.mark.parametrize(
    "client", ["[", "[]", "{}", '{"challenge": 5}', '{"challenge": "a!b="}', '{"challenge": "a"}']
)
def test_client_data_without_a_challenge(client):
    """The client data is a JSON object with a challenge in base64url (Web Authentication, section 5.8.1)."""
    fields = {"authenticator_data": b"", "client_data_json": client, "signature": b""}
    with pytest.raises(
        EnvelopeError, match="Invalid signature: client_data_json holds no base64url challenge"
    ):
        verify_signature(es256()[0], PAYLOAD, cbor.encode(fields), TRUST)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\xff",
        cbor.encode({}),
        cbor.encode({"signature": b""}),
        cbor.encode({"authenticator_data": b"", "client_data_json": 5, "signature": b""}),
    ],
)
def test_bad_webauthn_signatures(signature):
    """What is no WebAuthn signature is refused."""
    with pytest.raises(EnvelopeError, match="Invalid signature"):
        verify_signature(es256()[0], PAYLOAD, signature, TRUST)
