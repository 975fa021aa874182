"""Identities: keys in files, chains in JSON, identities of ic-py, WebAuthn; and no secret shows."""

import base64
import json
import pickle
import re
import subprocess
import sys

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


def as_pem(der):
    """PEM text of a private key."""
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


ED25519_V2 = bytes.fromhex("020101300506032b657004220420") + SECRET


def test_pkcs8_version_2():
    """The Ed25519 form of older tools, with the public key behind the seed, is read too."""
    identity = Ed25519Identity.from_seed(SECRET)
    der = b"\x30\x53" + ED25519_V2 + bytes.fromhex("a123032100") + identity.public_key_der[12:]
    assert load_pem(as_pem(der)) == identity


@pytest.mark.parametrize(
    "der",
    [
        ED25519_V2,
        b"\x30" + ED25519_V2,
        b"\x30\x83\x00\x00\x2e" + ED25519_V2,
        b"\x30\x2e" + ED25519_V2[:-1],
        bytes.fromhex("302e020100300506032b657004220420") + SECRET[:-1],
        bytes.fromhex("302e020100300506032b657004220420") + SECRET + b"\x00",
        bytes.fromhex("302f020100300506032b657004230421") + SECRET + b"\x00",
        bytes.fromhex("302e020100300506032b657104220420") + SECRET,
    ],
    ids=[
        "no header",
        "no length",
        "long length",
        "v2 cut off",
        "v1 cut off",
        "byte behind",
        "33 bytes",
        "Ed448",
    ],
)
def test_an_ed25519_key_in_no_proper_der(der):
    """32 bytes that happen to be in the text are no key: the DER around them must be right (RFC 8410, section 7)."""
    with pytest.raises(IdentityError, match="cannot be read"):
        load_pem(as_pem(der))


def test_an_ed25519_key_is_read_at_once():
    """The default kind of key is read without the readers of other formats, which take time to load."""
    text = (
        "import sys\n"
        "from ic_harness.protocol import load_pem\n"
        "print(load_pem(sys.stdin.buffer.read()).principal, 'ic_harness.protocol.identity.pem_keys' in sys.modules)"
    )
    identity = Ed25519Identity.from_seed(SECRET)
    done = subprocess.run(
        [sys.executable, "-c", text], input=dump_pem(identity), capture_output=True, timeout=60, check=True
    )
    assert done.stdout.decode().split() == [str(identity.principal), "False"]


def test_pkcs8_version_2_of_ecdsa():
    """Version 2 of PKCS#8 for secp256k1 without a public key behind the private one, as ic-py writes it."""
    identity = Secp256k1Identity.from_seed(SECRET)
    form = PrivateFormat.PKCS8
    der = bytearray(identity.private_key.private_bytes(Encoding.DER, form, NoEncryption()))
    der[der.index(b"\x02\x01\x00") + 2] = 1
    assert load_pem(as_pem(der)) == identity
    curve = bytes.fromhex("301006072a8648ce3d020106052b8104000a")
    short = b"\x30\x3e\x02\x01\x01" + curve + bytes.fromhex("042730250201010420") + SECRET
    assert load_pem(as_pem(short)) == identity


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
    with pytest.raises(
        IdentityError, match=r"cannot read the identity .*none\.pem: No such file or directory$"
    ):
        load_pem(tmp_path / "none.pem")


def test_the_error_names_the_file(tmp_path):
    """What is wrong with a file says in which; a text is never quoted."""
    path = tmp_path / "bad.pem"
    path.write_bytes(b"hello")
    with pytest.raises(IdentityError, match=f"no private key in PEM form in {re.escape(str(path))}"):
        load_pem(path)
    with pytest.raises(IdentityError) as caught:
        load_pem(b"hello")
    assert "hello" not in str(caught.value)


@pytest.mark.parametrize("in_a_file", [False, True])
def test_a_key_is_searched_in_64_kib(in_a_file, tmp_path):
    """A key that ends at the limit is found; what is behind it is not read, so that a huge file does no harm."""
    path = tmp_path / "long.pem"

    def load(data):
        path.write_bytes(data)
        return load_pem(path if in_a_file else data)

    identity = Ed25519Identity.from_seed(SECRET)
    pem = dump_pem(identity).rstrip()
    comment = b"#" * (64 * 1024 - len(pem) - 1) + b"\n"
    assert load(comment + pem) == identity
    with pytest.raises(IdentityError, match="no private key"):
        load(b"#" + comment + pem)


@pytest.mark.parametrize("kind", ["anonymous", "delegated"])
def test_identities_without_a_key_of_their_own_are_not_saved(kind):
    """Neither the anonymous identity nor a delegated one is a private key."""
    owner, session = Ed25519Identity.from_seed(SECRET), P256Identity.generate()
    delegated = DelegatedIdentity.delegate(owner, session, expiration_ns=1)
    with pytest.raises(IdentityError, match="no private key that could be saved"):
        dump_pem({"anonymous": AnonymousIdentity(), "delegated": delegated}[kind])


@pytest.mark.parametrize("kind", CLASSES)
def test_no_secret_shows(kind):
    """Neither repr nor pickling gives the secret away."""
    identity = kind.from_seed(SECRET)
    assert repr(identity) == f"{kind.__name__}({identity.principal})"
    with pytest.raises(IdentityError):
        pickle.dumps(identity)


def test_identities_are_equal_by_their_keys():
    """Two identities are the same when their key is, whatever object holds it; nothing else is equal to one."""
    keys = [kind.from_seed(seed) for kind in CLASSES for seed in (SECRET, bytes(31) + b"\x01")]
    again = [kind.from_seed(seed) for kind in CLASSES for seed in (SECRET, bytes(31) + b"\x01")]
    assert keys == again
    assert len({*keys, *again, AnonymousIdentity(), AnonymousIdentity()}) == len(keys) + 1
    assert keys[0] not in [*keys[1:], AnonymousIdentity(), keys[0].principal, None]


@pytest.mark.parametrize("kind", CLASSES)
def test_bad_seeds(kind):
    """A secret of the wrong length is refused without being quoted."""
    with pytest.raises(IdentityError) as caught:
        kind.from_seed(SECRET[:-1])
    assert SECRET[:8].hex() not in str(caught.value)


@pytest.mark.parametrize("kind", CLASSES[1:])
def test_scalars_are_between_zero_and_the_order(kind):
    """A secret of ECDSA is at least 1 and below the order of the curve's group."""
    for scalar in (1, kind.order - 1):
        identity = kind.from_seed(scalar.to_bytes(32, "big"))
        assert identity.private_key.private_numbers().private_value == scalar
    for scalar in (0, kind.order, (1 << 256) - 1):
        with pytest.raises(IdentityError, match="below the order"):
            kind.from_seed(scalar.to_bytes(32, "big"))


@pytest.mark.parametrize("kind", CLASSES[1:])
def test_signatures_have_the_smaller_s(kind):
    """Of the two valid values of s the smaller is taken, for strict verifiers refuse the other."""
    identity = kind.from_seed(SECRET)
    for number in range(40):
        payload = PAYLOAD + bytes([number])
        signature = identity.sign(payload)
        assert 0 < int.from_bytes(signature[32:], "big") <= kind.order // 2
        verify_signature(identity.public_key_der, payload, signature, TRUST)


def test_a_key_of_another_curve():
    """A key object of the other curve is refused, for its signatures and its principal would not fit."""
    for kind, other in (CLASSES[1:], CLASSES[:0:-1]):
        with pytest.raises(IdentityError, match=f"{kind.__name__} needs a key on"):
            kind(other.from_seed(SECRET).private_key)


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
    for pair in ((AnonymousIdentity(), session), (owner, AnonymousIdentity())):
        with pytest.raises(IdentityError, match="neither sign nor receive"):
            DelegatedIdentity.delegate(*pair, expiration_ns=1)


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
