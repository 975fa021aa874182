"""DER of public keys: one spelling is accepted for each key."""

import pytest

from ic_harness.errors import EnvelopeError
from ic_harness.protocol.identity import Trust, verify_signature

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
        "302c300706032b65700500032100" + "00" * 32,
        "302a300706032b65700500031f00" + "00" * 30,
        "302b300506032b6570032200" + "00" * 33,
        "3029300506032b6570032000" + "00" * 31,
    ],
    ids=["parameters", "parameters, 44 bytes", "33 bytes", "31 bytes"],
)
def test_ed25519_keys_have_one_form(key):
    """A key of Ed25519 has 32 bytes and its algorithm no parameters (RFC 8410, section 3)."""
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
