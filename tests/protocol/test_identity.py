"""Identities: keys in files, chains in JSON, identities of ic-py, WebAuthn; and no secret shows."""

import base64
import json
import pickle

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ic_harness.errors import EnvelopeError, IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    P256Identity,
    Secp256k1Identity,
    as_identity,
    cbor,
    dump_pem,
    load_pem,
)
from ic_harness.protocol.identity import Trust, verify_signature
from ic_harness.protocol.identity.der import WEBAUTHN, wrap_key

SECRET = bytes(range(1, 33))
CLASSES = [Ed25519Identity, Secp256k1Identity, P256Identity]
TRUST = Trust(None, 0)
PAYLOAD = b"\x0aic-request" + bytes(32)


@pytest.mark.parametrize("kind", CLASSES)
def test_pem_round_trip(kind, tmp_path):
    """What is saved is read back, with and without passphrase, from bytes and from a file."""
    identity = kind.from_seed(SECRET)
    assert load_pem(dump_pem(identity)) == identity
    path = tmp_path / "id.pem"
    path.write_bytes(dump_pem(identity, "word"))
    assert load_pem(path, "word") == identity


@pytest.mark.parametrize("kind", CLASSES[1:])
def test_sec1_with_parameters(kind):
    """The form of dfx and OpenSSL, with the curve in a block of its own before the key."""
    identity = kind.from_seed(SECRET)
    key = identity.private_key
    sec1 = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    block = b"-----BEGIN EC PARAMETERS-----\nBgUrgQQACg==\n-----END EC PARAMETERS-----\n"
    assert load_pem(block + sec1) == identity


def test_traditional_encryption():
    """A SEC1 key that OpenSSL encrypted asks for its passphrase and opens with it."""
    identity = Secp256k1Identity.from_seed(SECRET)
    pem = identity.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"word")
    )
    assert load_pem(pem, "word") == identity
    with pytest.raises(IdentityError, match="passphrase is needed"):
        load_pem(pem)


def test_pkcs8_version_2():
    """The Ed25519 form of older tools, with the public key behind the seed, is read too."""
    identity = Ed25519Identity.from_seed(SECRET)
    public = identity.public_key_der[12:]
    der = bytes.fromhex("3053020101300506032b657004220420") + SECRET + bytes.fromhex("a123032100") + public
    text = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"
    assert load_pem(text) == identity


def test_pkcs8_version_2_of_ecdsa():
    """The form in which ic-py writes secp256k1 keys: version 2 of PKCS#8 without a public key."""
    identity = Secp256k1Identity.from_seed(SECRET)
    form = PrivateFormat.PKCS8
    der = bytearray(identity.private_key.private_bytes(Encoding.DER, form, NoEncryption()))
    der[der.index(b"\x02\x01\x00") + 2] = 1
    text = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"
    assert load_pem(text) == identity


def rsa_pem():
    """A key of a kind that the Internet Computer does not take."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


BAD = {
    "no PEM": (lambda: b"hello", "no private key"),
    "public key": (lambda: b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----", "no private key"),
    "garbage inside": (
        lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "cannot be read",
    ),
    "RSA": (rsa_pem, "unsupported kind"),
    "encrypted": (lambda: dump_pem(Ed25519Identity.from_seed(SECRET), "word"), "passphrase is needed"),
}


@pytest.mark.parametrize(("pem", "reason"), BAD.values(), ids=BAD)
def test_bad_pem(pem, reason):
    """What cannot be used says why."""
    with pytest.raises(IdentityError, match=reason):
        load_pem(pem())


def test_wrong_passphrase_and_missing_file(tmp_path):
    """A wrong passphrase and a file that is not there are identity errors, without a chained traceback."""
    with pytest.raises(IdentityError, match="wrong passphrase") as caught:
        load_pem(dump_pem(Ed25519Identity.from_seed(SECRET), "word"), "other")
    assert caught.value.__suppress_context__
    with pytest.raises(IdentityError, match="cannot read"):
        load_pem(tmp_path / "none.pem")


@pytest.mark.parametrize("kind", CLASSES)
def test_no_secret_shows(kind):
    """Neither repr nor pickling gives the secret away."""
    identity = kind.from_seed(SECRET)
    assert repr(identity) == f"{kind.__name__}({identity.principal})"
    with pytest.raises(IdentityError):
        pickle.dumps(identity)


@pytest.mark.parametrize("kind", CLASSES)
def test_bad_seeds(kind):
    """A secret of the wrong length is refused without being quoted."""
    with pytest.raises(IdentityError) as caught:
        kind.from_seed(SECRET[:-1])
    assert SECRET[:8].hex() not in str(caught.value)


def test_known_principal():
    """The principal of a known key is the one that other tools give it."""
    # The Ed25519 seed of 32 zero bytes: its public key stands in RFC 8032 test collections.
    identity = Ed25519Identity.from_seed(bytes(32))
    raw = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    assert identity.public_key_der.hex() == "302a300506032b6570032100" + raw
    assert identity.principal == Principal.self_authenticating(identity.public_key_der)


def test_delegation_json():
    """A chain survives the JSON of the JavaScript libraries; what is no chain is refused."""
    owner, session = Ed25519Identity.from_seed(SECRET), P256Identity.generate()
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=10**18, targets=[Principal(b"\x01")])
    text = chained.to_json()
    assert json.loads(text)["delegations"][0]["delegation"]["expiration"] == f"{10**18:x}"
    again = DelegatedIdentity.from_json(session, text)
    assert again.delegations == chained.delegations
    assert again.principal == owner.principal
    for bad in ("", "{}", "[]", '{"delegations": [1], "publicKey": "00"}', text.replace("de0b", "zz")):
        with pytest.raises(IdentityError):
            DelegatedIdentity.from_json(session, bad)


def test_delegation_must_end_at_the_signing_key():
    """A chain for another key, an empty chain and an anonymous owner are refused."""
    owner, session = Ed25519Identity.from_seed(SECRET), Ed25519Identity.generate()
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=1)
    with pytest.raises(IdentityError):
        DelegatedIdentity(owner, chained.delegations, public_key_der=owner.public_key_der)
    with pytest.raises(IdentityError):
        DelegatedIdentity(session, [], public_key_der=owner.public_key_der)
    with pytest.raises(IdentityError):
        DelegatedIdentity.delegate(AnonymousIdentity(), session, expiration_ns=1)


class IcPyPrincipal:
    """The shape of ic-py's Principal."""

    def __init__(self, raw):
        self.bytes = raw


class IcPyIdentity:
    """The shape of ic-py's Identity: `sender`, `der_pubkey`, `sign` giving key and signature."""

    delegations: list

    def __init__(self, inner):
        self.inner = inner
        self.der_pubkey = inner.public_key_der

    def sender(self):
        return IcPyPrincipal(self.inner.principal.raw)

    def sign(self, payload):
        # The library below ic-py gives Ed25519 signatures as bytearrays.
        return self.der_pubkey, bytearray(self.inner.sign(payload))


def test_identities_of_ic_py():
    """ic-py's identities sign for us; ours and None pass through; other objects are refused."""
    ours = Ed25519Identity.from_seed(SECRET)
    theirs = as_identity(IcPyIdentity(ours))
    assert theirs.principal == ours.principal
    assert theirs.sign(b"x") == ours.sign(b"x")
    assert as_identity(ours) is ours
    assert as_identity(None) == as_identity(IcPyIdentity(AnonymousIdentity())) == AnonymousIdentity()
    with pytest.raises(IdentityError):
        as_identity("identity.pem")


def test_delegations_of_ic_py():
    """ic-py's DelegateIdentity brings its chain along."""
    owner, session = Ed25519Identity.from_seed(SECRET), Ed25519Identity.generate()
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=5)
    theirs = IcPyIdentity(session)
    theirs.der_pubkey = owner.public_key_der
    theirs.delegations = [link.to_value() for link in chained.delegations]
    assert as_identity(theirs).delegations == chained.delegations
    assert as_identity(theirs).principal == owner.principal


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


@pytest.mark.parametrize(
    "key",
    [
        "",
        "30",
        "3000",
        "302a300506032b6570032100",
        "30820100",
        "ff" * 44,
        "302a300506032b6571032100" + "00" * 32,
        "30812a" + "00" * 42,
    ],
)
def test_bad_der(key):
    """Bytes that are no DER public key are refused, whatever is wrong with them."""
    with pytest.raises(EnvelopeError, match="Invalid public key"):
        verify_signature(bytes.fromhex(key), PAYLOAD, bytes(64), TRUST)
