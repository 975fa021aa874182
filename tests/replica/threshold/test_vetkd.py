"""vetKD: derivation by the vectors of the public library; the encrypted key has its form and opens."""

from __future__ import annotations

import pytest

from ic_harness.protocol import bls
from ic_harness.replica.threshold import KEYS, Algorithm, KeyId, MasterKeys, TransportKeyError, vetkd

pyblst = pytest.importorskip("pyblst")  # opens what the replica encrypts

MASTER = bytes.fromhex(
    "9183b871aa141d15ba2efc5bc58a49cb6a167741364804617f48dfe11e0285696b7018f172dad1a87ed81abf27ea4c32"
    "0995041e2ee4a47b2226a2439d92a38557a7e2acc72fd157283b20f1f37ba872be235214c6a9cbba1eb2ef39deec72a5"
)
CANISTER_KEY = (
    "af78a908589d332fc8b9d042807c483e73872e2aea7620bdb985b9289d5a99ebfd5ac0ec4844a4c542f6d0f12a716d94"
    "1674953cef4f38dde601ce9792db8832557eaa051733c5541fa5017465d69b62cc4d93f2079fb8c050b4bd735ef75859"
)
CONTEXT_KEY = (
    "a20125b8cdfc57f71b6f67e557e82c1307c1af9f728573f3b682f3b1816684f3f6aed5d8dd40a309b457a25dab7d8a14"
    "16fc0e0973000321c0c1dd844d80a5708e81fdd8338ea6433f175992fa05ef343b1e7f89a09f3b5b7c0766ccb3c624cd"
)
SECRET = 0x1234567890ABCDEF
TRANSPORT = 0xFEDCBA0987654321


def added(key, data, tag):
    """The public key with the offset of `data`."""
    offset = bls.public_key(vetkd.offset(key, data, tag))
    total = pyblst.BlstP2Element.uncompress(key) + pyblst.BlstP2Element.uncompress(offset)
    return bytes(total.compress())


def test_derivation():
    """The vector of the public library: a canister's key, then that of a context."""
    canister = added(MASTER, b"test-canister-id", b"ic-vetkd-bls12-381-g2-canister-id")
    assert canister.hex() == CANISTER_KEY
    assert added(canister, b"test-context", b"ic-vetkd-bls12-381-g2-context").hex() == CONTEXT_KEY


def test_secrets_are_derived_alike():
    """The derived secret belongs to the derived public key; an empty context is the canister's own key."""
    canister = added(bls.public_key(SECRET), b"canister", b"ic-vetkd-bls12-381-g2-canister-id")
    assert bls.public_key(vetkd.derive(SECRET, b"canister", b"")) == canister
    context = added(canister, b"context", b"ic-vetkd-bls12-381-g2-context")
    assert bls.public_key(vetkd.derive(SECRET, b"canister", b"context")) == context


def signs(signature, data):
    """Whether a key is the signature of `data` with the public key before it."""
    public = bls.public_key(SECRET)
    hashed = pyblst.BlstP1Element.hash_to_group(public + data, vetkd.SCHEME)
    left = pyblst.miller_loop(
        pyblst.BlstP1Element.uncompress(signature), pyblst.BlstP2Element.uncompress(bls.public_key(1))
    )
    return pyblst.final_verify(left, pyblst.miller_loop(hashed, pyblst.BlstP2Element.uncompress(public)))


def test_keys_in_clear():
    """To the point at infinity a key is encrypted by nothing: so canisters make BLS signatures."""
    encrypted = vetkd.encrypted_key(SECRET, b"input", b"\xc0" + bytes(47))
    assert signs(encrypted[144:], b"input")
    assert not signs(encrypted[144:], b"inpuT")


def test_encrypted_keys_open():
    """Who has the transport secret gets the signature of the input, with the public key before it."""
    transport = bls.sum_in_g1((bls.GENERATOR_G1, TRANSPORT))
    encrypted = vetkd.encrypted_key(SECRET, b"input", transport)
    first, third = encrypted[:48], encrypted[144:]
    opened = bls.sum_in_g1((third, 1), (first, bls.ORDER - TRANSPORT))
    assert signs(opened, b"input")
    assert vetkd.encrypted_key(SECRET, b"input", transport) == encrypted
    assert vetkd.encrypted_key(SECRET, b"inpuT", transport)[:48] != first


OFF_THE_SUBGROUP = b"\x80" + bytes(46) + b"\x04"


@pytest.mark.parametrize(
    "transport",
    [b"", bytes(48), b"\xff" * 48, b"\xc0" + bytes(46) + b"\1", OFF_THE_SUBGROUP, bls.GENERATOR_G1 + b"\0"],
    ids=["empty", "zeros", "ones", "no infinity", "another group", "too long"],
)
def test_transport_keys_that_are_none(transport):
    """Only points of the right group are keys to encrypt to."""
    with pytest.raises(TransportKeyError):
        vetkd.encrypted_key(SECRET, b"input", transport)


def test_master_keys():
    """Each seed has keys of its own, every name and algorithm another one; the seed is not shown."""
    here, there = MasterKeys(b"here"), MasterKeys(b"there")
    keys = [keys.master_public_key(key) for keys in (here, there) for key in KEYS]
    assert len(set(keys)) == len(keys) == 24
    assert MasterKeys(b"here").master_public_key(KEYS[0]) == keys[0]
    assert "here" not in repr(here)
    assert here.vetkd_public_key(KeyId(Algorithm.VETKD, "key_1"), b"", b"") not in keys
