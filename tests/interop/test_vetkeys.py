"""What threshold keys sign and encrypt, judged by the libraries that canisters' users have in their browsers."""

from __future__ import annotations

import pytest

from ic_harness.networks import EmbeddedNetwork
from tests.networks.forwarder import Forwarder

from .conftest import have
from .lab import OWNER

pytestmark = pytest.mark.interop

FEE = 26_153_846_153
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


def fields(kind, key, message, signature, **more):
    """A signature for the judge: bytes as hex."""
    given = {"key": key, "message": message, "signature": signature, **more}
    return {"kind": kind, **{name: value.hex() for name, value in given.items()}}


def test_signatures(judge, lab):
    """A Motoko canister signs for its caller; each signature is that of its key and message, and another is not."""
    signer = lab.deploy("motoko/signer")
    key = signer.call("ecdsa_key", "key_1")
    hashes = [bytes([number] * 32) for number in range(8)]  # s is high by chance for half of them
    cases = [fields("ecdsa", key, it, signer.call("sign_ecdsa", "key_1", it)) for it in hashes]
    keys = {ed25519: signer.call("schnorr_key", "test_key_1", ed25519) for ed25519 in (True, False)}
    for message in (b"", b"message", bytes(70_000)):
        for ed25519, kind in ((True, "ed25519"), (False, "bip340")):
            made = signer.call("sign_schnorr", "test_key_1", ed25519, message, None)
            cases.append(fields(kind, keys[ed25519], message, made))
        for root in (b"", bytes(32), b"\xfe" * 32):
            made = signer.call("sign_schnorr", "test_key_1", False, message, root)
            cases.append(fields("bip341", keys[False], message, made, root=root))
    verdicts = judge.ask("signatures", signed=cases)["seen"]
    assert [right for right, _ in verdicts] == [True] * len(cases)
    assert [changed for _, changed in verdicts] == [False] * len(cases)


def test_signatures_of_a_rust_canister(judge, lab):
    """DFINITY's crate attaches what `ic0.cost_*` says, which is what the network takes, and decodes the replies."""
    signer = lab.deploy("rust/signer")
    path, message = [b"", b"\xff" * 40], bytes(range(32))
    made = {"ecdsa": signer.call("ecdsa", "key_1", path, message)}
    for kind, root in (("ed25519", None), ("bip340", None), ("bip341", b"\1" * 32)):
        made[kind] = signer.call("schnorr", "key_1", kind == "ed25519", path, message, root)
    assert {answer["Ok"][0] for answer in made.values()} == {FEE}
    cases = [
        fields(
            kind,
            answer["Ok"][1],
            message,
            answer["Ok"][2],
            **({"root": b"\1" * 32} if kind == "bip341" else {}),
        )
        for kind, answer in made.items()
    ]
    assert judge.ask("signatures", signed=cases)["seen"] == [[True, False]] * len(cases)
    assert signer.call("key_of", signer.id, "key_1") != signer.call("key_of", OWNER, "key_1")
    assert "InvalidKeyName" in signer.call("ecdsa", "no", path, message)["Err"]
    assert "message_hash has 3 bytes, expected 32" in signer.call("ecdsa", "key_1", path, b"abc")["Err"]


def test_vetkeys_of_a_rust_canister(judge, lab):
    """What DFINITY's crate derives opens for the user."""
    signer = lab.deploy("rust/signer")
    cost, public, encrypted = signer.call("vetkd", "key_1", b"notes", b"alice", transport(judge))["Ok"]
    seen = opened(judge, lab, signer, encrypted, b"notes", b"alice")
    assert (cost, public.hex()) == (FEE, seen["public_key"])
    assert seen["opened"] == {"plain": "c0ffee", "signs": True}


def opened(judge, lab, canister, encrypted, context, data):
    """What the user with SECRET makes of an encrypted key."""
    return judge.ask(
        "opened",
        secret=SECRET,
        master=lab.replica.threshold_keys["vetkd:Bls12_381_G2:key_1"].hex(),
        canister=canister.id.raw.hex(),
        context=context.hex(),
        input=data.hex(),
        encrypted=encrypted.hex(),
    )["seen"]


def transport(judge):
    """The transport public key of the user with SECRET."""
    return bytes.fromhex(judge.ask("transport", secret=SECRET)["seen"])


def test_vetkeys_of_a_motoko_canister(judge, lab):
    """Each caller of a Motoko canister gets the key of its principal, and decrypts what was encrypted to it."""
    signer = lab.deploy("motoko/signer")
    encrypted = signer.call("encrypted_key", "key_1", b"notes", transport(judge))
    seen = opened(judge, lab, signer, encrypted, b"notes", OWNER.raw)
    assert seen["public_key"] == signer.call("vetkd_key", "key_1", b"notes").hex()
    assert seen["opened"] == {"plain": "c0ffee", "signs": True}


@pytest.mark.parametrize(
    ("context", "data"), [(b"", b""), (b"context", b"alice"), (bytes(1000), bytes(100_000))]
)
def test_vetkeys(judge, lab, canister, context, data):
    """A user derives the public key from the master key, opens the encrypted key, and decrypts; nobody else does."""
    public = canister.call("vetkd_public_key", canister_id=None, context=context, key_id=BLS)["public_key"]
    argument = {"context": context, "input": data, "key_id": BLS, "transport_public_key": transport(judge)}
    encrypted = canister.call("vetkd_derive_key", FEE, **argument)["encrypted_key"]
    seen = opened(judge, lab, canister, encrypted, context, data)
    assert seen["public_key"] == public.hex()
    assert seen["opened"] == {"plain": "c0ffee", "signs": True}
    assert "error" in seen["stolen"]
