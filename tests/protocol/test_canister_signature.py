"""Canister signatures: keys of any canister and seed verify, and nothing but what the canister certified."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import EnvelopeError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    bls,
    build,
    canister_key_der,
    cbor,
    digest,
    leb128_encode,
    prune,
    sign_certificate,
    tree_to_cbor,
    write_canister_signature,
)
from ic_harness.protocol.identity import Trust, verify_signature
from ic_harness.protocol.identity.canister_signature import read_canister_key
from ic_harness.protocol.identity.der import CANISTER, wrap_key

ROOT = bls.keypair(b"root" * 8)
TRUST = Trust(ROOT.public_der, 1_700_000_000 * 10**9)
ID = Principal(b"\x00\x00\x00\x00\x00\x00\x00\x05\x01\x01")
PAYLOAD = b"\x0aic-request" + bytes(32)


def signature(canister_id, tree, shown=None):
    """A signature whose certificate has the root hash of `tree` as the canister's certified data."""
    state = {b"canister": {canister_id.raw: {b"certified_data": digest(tree)}}, b"time": leb128_encode(1)}
    return write_canister_signature(sign_certificate(build(state), ROOT), shown or tree)


def signed(seed, payload, value=b""):
    """The tree of a canister that signed a payload."""
    return build({b"sig": {sha256(seed).digest(): {sha256(payload).digest(): value}}})


canister_ids = st.binary(min_size=1, max_size=29).map(Principal)


@given(canister_ids, st.binary(max_size=40) | st.integers(100, 70_000).map(bytes))
def test_keys_are_read_as_they_are_written(canister_id, seed):
    """The key is the length and the bytes of the canister's id, then the seed, whatever their lengths."""
    assert read_canister_key(canister_key_der(canister_id, seed)) == (canister_id, seed)


# With the ids below, a seed of 14 bytes makes a key of 44 bytes: as long as those of Ed25519.
@pytest.mark.parametrize("seed", [b"", b"s", bytes(14), bytes(100), bytes(300)], ids=len)
def test_a_canister_signs_by_what_it_certifies(seed):
    """The signature is of one seed and payload; the time of its certificate does not count."""
    tree = signed(seed, PAYLOAD)
    key = canister_key_der(ID, seed)
    verify_signature(key, PAYLOAD, signature(ID, tree), TRUST)
    for other in (canister_key_der(ID, seed + b"x"), canister_key_der(Principal(b"\x01"), seed)):
        with pytest.raises(EnvelopeError, match="Invalid signature"):
            verify_signature(other, PAYLOAD, signature(ID, tree), TRUST)
    with pytest.raises(EnvelopeError, match="did not sign this request"):
        verify_signature(key, PAYLOAD + b"x", signature(ID, tree), TRUST)


def test_what_the_tree_must_show():
    """The path to the signature ends at an empty value; a pruned path proves nothing, nor does another tree."""
    key, good = canister_key_der(ID, b"s"), signed(b"s", PAYLOAD)
    bad = {
        "did not sign": signature(ID, signed(b"s", PAYLOAD, b"x")),
        "does not show the value": signature(ID, good, prune(good, [(b"other",)])),
        "is not the root hash": signature(ID, good, signed(b"s", PAYLOAD, b"x")),
    }
    for reason, wrong in bad.items():
        with pytest.raises(EnvelopeError, match=f"Invalid signature: .*{reason}"):
            verify_signature(key, PAYLOAD, wrong, TRUST)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x01", b"\x0a" + bytes(9), b"\x1e" + bytes(30), b"\xff" + bytes(255)],
    ids=lambda raw: raw.hex()[:4],
)
def test_keys_that_begin_with_no_canister(raw):
    """A key holds a whole canister id of at most 29 bytes before its seed."""
    with pytest.raises(EnvelopeError, match="begins with the canister's id"):
        verify_signature(wrap_key(CANISTER, raw), PAYLOAD, b"", TRUST)


TREE = signed(b"s", PAYLOAD)
PARTS = cbor.decode(signature(ID, TREE), max_depth=50)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        cbor.encode([]),
        cbor.encode({}),
        cbor.encode(PARTS | {"certificate": "text"}),
        cbor.encode({"certificate": PARTS["certificate"]}),
        cbor.encode(PARTS | {"tree": 5}),
        cbor.encode(PARTS | {"tree": bytes(tree_to_cbor(TREE))}),
        cbor.encode(PARTS | {"certificate": b"\xff"}),
    ],
)
def test_form_of_signatures(raw):
    """A signature is a map with a certificate, encoded, and a tree; all else is refused, not an error of ours."""
    with pytest.raises(EnvelopeError, match="Invalid signature: canister signature"):
        verify_signature(canister_key_der(ID, b"s"), PAYLOAD, raw, TRUST)
