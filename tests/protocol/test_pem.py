"""PEM files: every form that tools write is read, damage and secrets are refused without being quoted."""

import base64
import re
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ic_harness.errors import IdentityError
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    P256Identity,
    Secp256k1Identity,
    dump_pem,
    load_pem,
)

SECRET = bytes(range(1, 33))
CLASSES = [Ed25519Identity, Secp256k1Identity, P256Identity]


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
        b"\x30\x2e" + ED25519_V2[:-1],
        bytes.fromhex("302e020100300506032b657004220420") + SECRET[:-1],
        bytes.fromhex("302f020100300506032b657004230421") + SECRET + b"\x00",
        bytes.fromhex("302e020100300506032b657104220420") + SECRET,
    ],
    ids=[
        "no header",
        "no length",
        "v2 cut off",
        "v1 cut off",
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


def test_identities_without_a_key_of_their_own_are_not_saved():
    """Neither the anonymous identity nor a delegated one is a private key."""
    owner, session = Ed25519Identity.from_seed(SECRET), P256Identity.generate()
    delegated = DelegatedIdentity.delegate(owner, session, expiration_ns=1)
    for identity, kind in ((AnonymousIdentity(), "AnonymousIdentity"), (delegated, "DelegatedIdentity")):
        with pytest.raises(IdentityError, match=f"a {kind} has no private key that could be saved"):
            dump_pem(identity)
