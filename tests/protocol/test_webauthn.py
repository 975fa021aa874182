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


def webauthn(cose, sign, challenge=PAYLOAD):
    """A DER key and a WebAuthn signature made with `sign`."""
    data, client = b"authenticator", client_data(challenge)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(client.encode())
    inner = sign(data + digest.finalize())
    fields = {"authenticator_data": data, "client_data_json": client, "signature": inner}
    return wrap_key(WEBAUTHN, cbor.encode(cose, tagged=False)), cbor.encode(fields)


def es256(challenge=PAYLOAD):
    """A passkey on P-256, the common case."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    return webauthn(cose, lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())), challenge)


def rs256(challenge=PAYLOAD, bits=2048):
    """A security key with RSA, as Windows makes it."""
    key = rsa.generate_private_key(65537, bits)
    modulus = key.public_key().public_numbers().n.to_bytes(bits // 8, "big")
    cose = {1: 3, 3: -257, -1: modulus, -2: b"\x01\x00\x01"}
    return webauthn(cose, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()), challenge)


def eddsa(challenge=PAYLOAD):
    """A security key with Ed25519."""
    key = Ed25519PrivateKey.generate()
    cose = {1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()}
    return webauthn(cose, key.sign, challenge)


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


def _signed(cose):
    key, signature = webauthn(cose, lambda _: b"")
    return key, PAYLOAD, signature


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\xff",
        cbor.encode({}),
        cbor.encode({"signature": b""}),
        cbor.encode({"authenticator_data": b"", "client_data_json": "[", "signature": b""}),
        cbor.encode({"authenticator_data": b"", "client_data_json": '{"challenge": 5}', "signature": b""}),
    ],
)
def test_bad_webauthn_signatures(signature):
    """What is no WebAuthn signature is refused."""
    with pytest.raises(EnvelopeError, match="Invalid signature"):
        verify_signature(es256()[0], PAYLOAD, signature, TRUST)
