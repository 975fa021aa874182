"""DER of public keys: one spelling is accepted for each key."""

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import EnvelopeError
from ic_harness.protocol.identity import Trust, verify_signature
from ic_harness.protocol.identity.der import (
    ALGORITHMS,
    CANISTER,
    ED25519,
    WEBAUTHN,
    algorithm,
    wrap_key,
    wrapped_key,
)

TRUST = Trust(None, 0)
PAYLOAD = b"\x0aic-request" + bytes(32)


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


@pytest.mark.parametrize(
    "key",
    [
        "302b300506032b6570032200" + "00" * 33,
        "3029300506032b6570032000" + "00" * 31,
    ],
    ids=["33 bytes", "31 bytes"],
)
def test_ed25519_keys_have_one_form(key):
    """A key of Ed25519 has 32 bytes (RFC 8410, section 4)."""
    with pytest.raises(EnvelopeError, match="Invalid public key: not an Ed25519 key"):
        verify_signature(bytes.fromhex(key), PAYLOAD, bytes(64), TRUST)


@pytest.mark.parametrize(
    "key",
    [
        "3013300906072a8648ce3d02010306000000000000",
        "3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04" + "01" * 64,
    ],
    ids=["no curve", "no point"],
)
def test_ecdsa_keys_are_well_formed(key):
    """A key of ECDSA names its curve and is a point of it (RFC 5480, section 2)."""
    with pytest.raises(EnvelopeError, match="Invalid public key: not well-formed DER"):
        verify_signature(bytes.fromhex(key), PAYLOAD, bytes(64), TRUST)


def check_by_another_library(key):
    """The library understands all of a key's DER, but not the object identifier of its algorithm."""
    # In older versions of the library this is a `ValueError`, as for DER that is malformed.
    with pytest.raises((UnsupportedAlgorithm, ValueError), match="Unknown key type"):
        load_der_public_key(key)


SIZES = st.integers(0, 300) | st.sampled_from([65_000, 65_535, 65_536, 70_000])


@pytest.mark.parametrize("name", [CANISTER, WEBAUTHN])
def test_keys_of_any_length_are_written_and_read(name):
    """What is wrapped is DER, as another library judges, and is unwrapped again with its algorithm."""
    for size in (*range(300), *range(65_500, 65_560)):
        key = wrap_key(name, b"k" * size)
        assert (algorithm(key), wrapped_key(key)) == (name, b"k" * size)
        check_by_another_library(key)


@given(SIZES, st.integers(0, 40), st.integers(0, 255))
def test_what_is_read_is_der(size, position, value):
    """With any byte of the structure changed a key is refused, or is DER for the other library as well."""
    key = bytearray(wrap_key(CANISTER, b"k" * size))
    key[position % len(key)] = value
    try:
        assert algorithm(bytes(key)) == CANISTER
    except EnvelopeError:
        return
    check_by_another_library(bytes(key))


@pytest.mark.parametrize("size", [30, 32])
@pytest.mark.parametrize("name", [CANISTER, WEBAUTHN, ED25519])
def test_only_keys_of_ecdsa_have_parameters(name, size):
    """Parameters beside the algorithm would make a second principal for a key: replicas refuse even NULL."""
    good = wrap_key(name, bytes(size))
    assert algorithm(good) == name
    after = 4 + len(ALGORITHMS[name])
    identifier = bytes((0x30, good[3] + 2)) + good[4 : after + 2] + b"\x05\x00"
    key = identifier + good[after + 2 :]
    with pytest.raises(EnvelopeError, match=f"Invalid public key: the algorithm {name} has no parameters"):
        verify_signature(bytes((0x30, len(key))) + key, PAYLOAD, bytes(64), TRUST)


LENGTHS = {
    "a short one in two bytes": "308119",
    "with a zero before it": "30820019",
    "of no bytes": "3080",
    "of five bytes": "30850000000019",
    "cut off": "3082",
}


def test_nothing_is_behind_a_key():
    """A byte after the structure would make another key, with another principal, of the same numbers."""
    with pytest.raises(EnvelopeError, match="bytes after the DER structure"):
        algorithm(wrap_key(CANISTER, bytes(8)) + b"\x00")


@pytest.mark.parametrize("head", LENGTHS.values(), ids=LENGTHS)
def test_lengths_are_written_in_one_way(head):
    """DER has one form for each length (X.690, section 10.1), so that a key has one principal."""
    key = wrap_key(CANISTER, bytes(8))
    assert key[:2] == b"\x30\x19"
    with pytest.raises(EnvelopeError, match="Invalid public key"):
        algorithm(bytes.fromhex(head) + key[2:])
