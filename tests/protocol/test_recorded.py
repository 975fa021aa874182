"""Certificates that real networks signed: they verify, and no bit of them can change."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.errors import CertificateError, EnvelopeError, ProtocolError
from ic_harness.principal import Principal
from ic_harness.protocol import MAINNET_ROOT_KEY, Certificate, bls, cbor, list_children
from ic_harness.protocol.identity import Trust, verify_signature

FOLDER = Path(__file__).parents[2] / "fixtures" / "certificates"
RECORDED = bytes.fromhex((FOLDER / "mainnet_reject_2022.hex").read_text())
CANISTER = Principal.from_text("ivg37-qiaaa-aaaab-aaaga-cai")
TIME = 1_645_601_880_652_705_378


def verify(raw, *, canister_id=CANISTER, now_ns=TIME):
    """Verify with mainnet's root key."""
    certificate = Certificate.from_cbor(raw)
    certificate.verify(MAINNET_ROOT_KEY, canister_id=canister_id, now_ns=now_ns)
    return certificate


def test_a_certificate_of_mainnet_verifies():
    """What mainnet signed in 2022 is proven by the root key that is built in."""
    certificate = verify(RECORDED)
    (call,) = list_children(certificate.tree, (b"request_status",))
    status = (b"request_status", call)
    assert certificate.lookup_value((*status, b"status")) == b"rejected"
    assert certificate.lookup_value((*status, b"reject_code")) == b"\x03"
    assert certificate.time_ns == TIME


def test_it_proves_nothing_else():
    """Another canister, another time and another root key are refused."""
    with pytest.raises(CertificateError, match="not responsible"):
        verify(RECORDED, canister_id=Principal.from_text("ryjl3-tyaaa-aaaaa-aaaba-cai"))
    with pytest.raises(CertificateError, match="old"):
        verify(RECORDED, now_ns=TIME + 10**12)
    with pytest.raises(CertificateError, match="root key"):
        Certificate.from_cbor(RECORDED).verify(
            bls.keypair(b"x" * 32).public_der, canister_id=None, now_ns=None
        )


def flipped(position):
    """The certificate with one bit changed."""
    changed = bytearray(RECORDED)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 8 * len(RECORDED) - 1))
def test_a_changed_bit_is_noticed(position):
    """Any single bit changed makes it worthless."""
    with pytest.raises(ProtocolError):
        verify(flipped(position))


@pytest.mark.slow
def test_every_changed_bit_is_noticed():
    """All single-bit changes, one after the other."""
    for position in range(8 * len(RECORDED)):
        with pytest.raises(ProtocolError):
            verify(flipped(position))


def read(name):
    """The bytes of a file of hexadecimal text."""
    return bytes.fromhex((FOLDER / name).read_text())


TESTNET = {
    name: bytes.fromhex(value)
    for name, value in json.loads((FOLDER / "testnet_certified_data_2022.json").read_text()).items()
}
REPLY = read("mainnet_reply_2024.hex")
OTHERS = {
    "mainnet reply, 2024": (
        REPLY, MAINNET_ROOT_KEY, Principal(bytes.fromhex("00000000006000ae0101")), 1_712_666_459_237_743_563,
    ),
    "testnet, 2022": (
        TESTNET["certificate"], TESTNET["root_key"], Principal.from_text("5v3p4-iyaaa-aaaaa-qaaaa-cai"),
        1_643_206_874_888_337_280,
    ),
}  # fmt: skip
each_other = pytest.mark.parametrize(
    ("raw", "root_key", "canister_id", "now_ns"), OTHERS.values(), ids=OTHERS
)


@each_other
def test_certificates_of_other_subnets(raw, root_key, canister_id, now_ns):
    """Certificates of other subnets and years verify for their canisters, times and root keys only."""
    certificate = Certificate.from_cbor(raw)
    certificate.verify(root_key, canister_id=canister_id, now_ns=now_ns)
    assert certificate.time_ns == now_ns
    assert certificate.to_cbor() == raw
    with pytest.raises(CertificateError, match="not responsible"):
        certificate.verify(root_key, canister_id=CANISTER, now_ns=now_ns)
    with pytest.raises(CertificateError, match="signature"):
        certificate.verify(LOCAL["root_key"], canister_id=canister_id, now_ns=now_ns)
    with pytest.raises(CertificateError, match="old"):
        certificate.verify(root_key, canister_id=canister_id, now_ns=now_ns + 10**12)


def test_a_recorded_reply():
    """The reply of 2024 is in the tree, and so is the gap between the two ranges of its subnet."""
    certificate = Certificate.from_cbor(REPLY)
    (call,) = list_children(certificate.tree, (b"request_status",))
    reply = certificate.lookup_value((b"request_status", call, b"reply"))
    assert reply is not None
    assert reply.startswith(b"DIDL")
    assert b"Hello, tobi!" in reply
    between = Principal(bytes.fromhex("00000000006000af0101"))
    with pytest.raises(CertificateError, match="not responsible"):
        certificate.verify(MAINNET_ROOT_KEY, canister_id=between, now_ns=None)


@each_other
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_changed_bit_of_the_others_is_noticed(raw, root_key, canister_id, now_ns, data):
    """Any single bit changed makes them worthless, too."""
    refuse_bit(raw, data.draw(st.integers(0, 8 * len(raw) - 1)), root_key, canister_id, now_ns)


@pytest.mark.slow
@each_other
def test_every_changed_bit_of_the_others_is_noticed(raw, root_key, canister_id, now_ns):
    """All single-bit changes of them, one after the other."""
    for position in range(8 * len(raw)):
        refuse_bit(raw, position, root_key, canister_id, now_ns)


def refuse_bit(raw, position, root_key, canister_id, now_ns):
    """Assert that a certificate with one bit changed is refused."""
    changed = bytearray(raw)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(ProtocolError):
        Certificate.from_cbor(bytes(changed)).verify(root_key, canister_id=canister_id, now_ns=now_ns)


def recorded(name):
    """The byte strings of a recorded signature."""
    return {key: bytes.fromhex(value) for key, value in json.loads((FOLDER / name).read_text()).items()}


LOCAL = recorded("local_canister_signature.json")
YUBIKEY = recorded("yubikey_signature.json")


def verify_local(signature=LOCAL["signature"], message=LOCAL["message"], root_key=LOCAL["root_key"]):
    """Verify the recorded canister signature, or a variation."""
    verify_signature(LOCAL["public_key"], message, signature, Trust(root_key, 0))


def test_a_certificate_of_a_local_network_verifies():
    """What a local network signed is proven by its own root key, and not by mainnet's."""
    certificate = Certificate.from_cbor(cbor.decode(LOCAL["signature"])["certificate"])
    certificate.verify(LOCAL["root_key"], canister_id=None, now_ns=0)
    with pytest.raises(CertificateError, match="root key"):
        certificate.verify(MAINNET_ROOT_KEY, canister_id=None, now_ns=0)


def test_a_recorded_canister_signature_verifies():
    """A canister signature that others made holds for its message and root key only."""
    verify_local()
    with pytest.raises(EnvelopeError, match="did not sign"):
        verify_local(message=LOCAL["message"] + b"x")
    with pytest.raises(EnvelopeError, match="signature"):
        verify_local(root_key=MAINNET_ROOT_KEY)


def test_every_bit_of_a_canister_signature_counts():
    """No bit of the recorded canister signature can change."""
    for position in range(8 * len(LOCAL["signature"])):
        changed = bytearray(LOCAL["signature"])
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(EnvelopeError):
            verify_local(bytes(changed))


def test_a_signature_of_a_security_key_verifies():
    """What a YubiKey signed in a browser holds for its request id, and for no other."""
    verify_signature(YUBIKEY["public_key"], YUBIKEY["message"], YUBIKEY["signature"], Trust(None, 0))
    with pytest.raises(EnvelopeError, match="challenge"):
        verify_signature(YUBIKEY["public_key"], b"other", YUBIKEY["signature"], Trust(None, 0))
    # One bit may change: whether the client data is a byte string or text, which are both read.
    same = 8 * (YUBIKEY["signature"].index(b"client_data_json") + 16) + 5
    for position in set(range(8 * len(YUBIKEY["signature"]))) - {same}:
        changed = bytearray(YUBIKEY["signature"])
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(EnvelopeError):
            verify_signature(YUBIKEY["public_key"], YUBIKEY["message"], bytes(changed), Trust(None, 0))
