"""What threshold keys sign and encrypt, judged by the libraries that canisters' users have in their browsers."""

from __future__ import annotations

import pytest

from ic_harness.networks import EmbeddedNetwork
from tests.networks.forwarder import Forwarder

from .conftest import have

pytestmark = pytest.mark.interop

FEE = 26_153_846_153
PATH = [b"user", b"\x00\x01"]
SECP256K1 = {"curve": {"secp256k1": None}, "name": "key_1"}
BIP340 = {"algorithm": {"bip340secp256k1": None}, "name": "key_1"}
ED25519 = {"algorithm": {"ed25519": None}, "name": "key_1"}
BLS = {"curve": {"bls12_381_g2": None}, "name": "key_1"}
SECRET = "2f" * 32
"""The transport secret of a user."""


@pytest.fixture(scope="module")
def judge():
    """The libraries of users."""
    return have("vetkeys")


@pytest.fixture(scope="module")
def canister(lab):
    """A canister that calls the management canister as it is told."""
    return Forwarder(EmbeddedNetwork(lab.replica))


def signed(canister, kind, message, root=None):
    """A signature by the canister's key of PATH, with that key, as hex."""
    key_id = {"ecdsa": SECP256K1, "ed25519": ED25519}.get(kind, BIP340)
    scheme = "ecdsa" if kind == "ecdsa" else "schnorr"
    public = canister.call(f"{scheme}_public_key", canister_id=None, derivation_path=PATH, key_id=key_id)
    aux = None if root is None else {"bip341": {"merkle_root_hash": root}}
    fields = {"message_hash": message} if kind == "ecdsa" else {"message": message, "aux": aux}
    made = canister.call(f"sign_with_{scheme}", FEE, derivation_path=PATH, key_id=key_id, **fields)
    given = {"key": public["public_key"], "message": message, "signature": made["signature"]}
    return {
        "kind": kind,
        **{
            name: value.hex()
            for name, value in (given | ({"root": root} if root is not None else {})).items()
        },
    }


def test_signatures(judge, canister):
    """Each signature is that of its key and message, and another is not."""
    cases = [
        signed(canister, "ecdsa", bytes([number] * 32)) for number in range(8)
    ]  # s is high by chance for half
    for message in (b"", b"message", bytes(70_000)):
        cases += [signed(canister, kind, message) for kind in ("ed25519", "bip340")]
        cases += [signed(canister, "bip341", message, root) for root in (b"", bytes(32), b"\xfe" * 32)]
    verdicts = judge.ask("signatures", signed=cases)["seen"]
    assert [right for right, _ in verdicts] == [True] * len(cases)
    assert [changed for _, changed in verdicts] == [False] * len(cases)


@pytest.mark.parametrize(
    ("context", "data"), [(b"", b""), (b"context", b"alice"), (bytes(1000), bytes(100_000))]
)
def test_vetkeys(judge, canister, context, data):
    """A user derives the public key from the master key, opens the encrypted key, and decrypts; nobody else does."""
    transport = judge.ask("transport", secret=SECRET)["seen"]
    public = canister.call("vetkd_public_key", canister_id=None, context=context, key_id=BLS)["public_key"]
    encrypted = canister.call(
        "vetkd_derive_key", FEE, context=context, input=data, key_id=BLS,
        transport_public_key=bytes.fromhex(transport),
    )["encrypted_key"]  # fmt: skip
    seen = judge.ask(
        "opened",
        secret=SECRET,
        master=canister.network.threshold_keys["vetkd:Bls12_381_G2:key_1"].hex(),
        canister=canister.id.raw.hex(),
        context=context.hex(),
        input=data.hex(),
        encrypted=encrypted.hex(),
    )["seen"]
    assert seen["public_key"] == public.hex()
    assert seen["opened"] == {"plain": "c0ffee", "signs": True}
    assert "error" in seen["stolen"]
