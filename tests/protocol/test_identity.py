"""Identities: keys, chains in JSON, identities of ic-py; and no secret shows."""

import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import EnvelopeError, IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    P256Identity,
    Secp256k1Identity,
    as_identity,
)
from ic_harness.protocol.identity import Trust, verify_signature

SECRET = bytes(range(1, 33))
CLASSES: list[Any] = [Ed25519Identity, Secp256k1Identity, P256Identity]
TRUST = Trust(None, 0)
PAYLOAD = b"\x0aic-request" + bytes(32)


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


@pytest.mark.parametrize("kind", CLASSES)
@given(position=st.integers(0, 8 * 64 - 1))
def test_a_signature_is_of_one_key_and_payload(kind, position):
    """A signature with any bit changed, of another payload, or by another key is refused."""
    identity, other = kind.from_seed(SECRET), kind.from_seed(bytes(31) + b"\x05")
    good = identity.sign(PAYLOAD)
    verify_signature(identity.public_key_der, PAYLOAD, good, TRUST)
    changed = bytearray(good)
    changed[position // 8] ^= 1 << position % 8
    for key, payload, signature in (
        (identity, PAYLOAD, bytes(changed)),
        (identity, PAYLOAD + b"x", good),
        (other, PAYLOAD, good),
    ):
        with pytest.raises(EnvelopeError, match="signature does not match the request"):
            verify_signature(key.public_key_der, payload, signature, TRUST)


@pytest.mark.parametrize("kind", CLASSES[1:])
def test_signatures_have_64_bytes(kind):
    """There is one spelling of a signature: r and s in 32 bytes each, though zeros before them change no number."""
    identity = kind.from_seed(SECRET)
    good = identity.sign(PAYLOAD)
    for signature in (good[:32] + bytes(1) + good[32:], good + b"\x00", good[:-1], b""):
        with pytest.raises(EnvelopeError, match=f"has 64 bytes, got {len(signature)}"):
            verify_signature(identity.public_key_der, PAYLOAD, signature, TRUST)


def test_public_keys_of_other_curves():
    """A key of a curve that the Internet Computer does not know is refused before any signature is looked at."""
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(EnvelopeError, match="only the curves P-256 and secp256k1"):
        verify_signature(der, PAYLOAD, bytes(64), TRUST)


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


def test_the_key_of_an_identity_of_ic_py():
    """Some of them hold their key at the beginning of a tuple; one without a key is refused."""
    ours = Ed25519Identity.from_seed(SECRET)
    theirs = IcPyIdentity(ours)
    theirs.der_pubkey = (ours.public_key_der, "more")
    assert as_identity(theirs).public_key_der == ours.public_key_der
    for key in (None, "302a", (None,)):
        theirs.der_pubkey = key
        with pytest.raises(IdentityError, match="has no DER public key"):
            as_identity(theirs)


def test_delegations_of_ic_py():
    """ic-py's DelegateIdentity brings its chain along."""
    owner, session = Ed25519Identity.from_seed(SECRET), Ed25519Identity.generate()
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=5)
    theirs = IcPyIdentity(session)
    theirs.der_pubkey = owner.public_key_der
    theirs.delegations = [link.to_value() for link in chained.delegations]
    assert as_identity(theirs).delegations == chained.delegations
    assert as_identity(theirs).principal == owner.principal
