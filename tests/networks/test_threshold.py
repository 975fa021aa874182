"""Threshold keys as canisters have them: signatures others verify, fees, refusals by name, the same after a restart."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ic_harness.errors import InputError
from ic_harness.networks import EmbeddedNetwork, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import bls
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.replica.management.threshold import MAX_PATH
from ic_harness.replica.state.fees import KEY_NODES
from ic_harness.replica.threshold import Algorithm
from ic_harness.replica.threshold.key_names import KEYS, NAMES

from .asker import Failed
from .forwarder import Forwarder

PROJECT = Path(__file__).resolve().parents[2]
FEE = 26_153_846_153
HASH = bytes(range(32))
PATH = [b"", b"user 7"]
EXISTING = ", ".join(
    f"{kind}:{name}"
    for kind in ("ecdsa:Secp256k1", "schnorr:Bip340Secp256k1", "schnorr:Ed25519", "vetkd:Bls12_381_G2")
    for name in ("dfx_test_key", "key_1", "test_key_1")
)


@pytest.fixture
def canister(network):
    return Forwarder(network)


def ecdsa(name="key_1"):
    return {"curve": {"secp256k1": None}, "name": name}


def schnorr(algorithm, name="key_1"):
    return {"algorithm": {algorithm: None}, "name": name}


def vetkd(name="key_1"):
    return {"curve": {"bls12_381_g2": None}, "name": name}


def sign_ecdsa(canister, path=PATH, cycles=FEE, **fields):
    argument = {"message_hash": HASH, "derivation_path": path, "key_id": ecdsa(), **fields}
    return canister.call("sign_with_ecdsa", cycles, **argument)


def sign_schnorr(canister, algorithm, path=PATH, cycles=FEE, **fields):
    argument = {
        "message": b"message",
        "derivation_path": path,
        "key_id": schnorr(algorithm),
        "aux": None,
        **fields,
    }
    return canister.call("sign_with_schnorr", cycles, **argument)


def derive(canister, cycles=FEE, **fields):
    argument = {
        "input": b"input", "context": b"context", "transport_public_key": bls.GENERATOR_G1, "key_id": vetkd(), **fields,
    }  # fmt: skip
    return canister.call("vetkd_derive_key", cycles, **argument)


def public(canister, kind, key_id, path=PATH, owner=None):
    return canister.call(f"{kind}_public_key", canister_id=owner, derivation_path=path, key_id=key_id)


def verify_ecdsa(key, signature):
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key)
    point.verify(encode_dss_signature(r, s), HASH, ec.ECDSA(Prehashed(SHA256())))


@pytest.mark.parametrize("name", NAMES)
def test_ecdsa(canister, name):
    """The signature belongs to the key of the same name, path and canister, and to no other."""
    key = public(canister, "ecdsa", ecdsa(name))
    assert len(key["chain_code"]) == 32
    signature = sign_ecdsa(canister, key_id=ecdsa(name))["signature"]
    verify_ecdsa(key["public_key"], signature)
    for other in (
        public(canister, "ecdsa", ecdsa(name), []),
        public(canister, "ecdsa", ecdsa(name), owner=Principal.management()),
        public(canister, "ecdsa", ecdsa(next(it for it in NAMES if it != name))),
    ):
        with pytest.raises(InvalidSignature):
            verify_ecdsa(other["public_key"], signature)


def test_keys_of_another_canister(network, canister):
    """A canister can ask for another's public key, and cannot sign by it."""
    other = Forwarder(network)
    key = public(canister, "ecdsa", ecdsa(), owner=other.id)
    assert key == public(other, "ecdsa", ecdsa())
    verify_ecdsa(key["public_key"], sign_ecdsa(other)["signature"])


def test_ed25519(canister):
    """Another library verifies the signature of an empty message and of a long one."""
    key = Ed25519PublicKey.from_public_bytes(public(canister, "schnorr", schnorr("ed25519"))["public_key"])
    for message in (b"", bytes(1_500_000)):
        key.verify(sign_schnorr(canister, "ed25519", message=message)["signature"], message)


def test_bip340_differs_by_tweak(canister):
    """A Taproot tweak is another key; BIP340 signatures are judged in tests/interop."""
    seen = {
        sign_schnorr(canister, "bip340secp256k1", aux=aux)["signature"]
        for aux in (
            None,
            *({"bip341": {"merkle_root_hash": root}} for root in (b"", bytes(32), b"\xff" * 32)),
        )
    }
    assert {len(signature) for signature in seen} == {64}
    assert len(seen) == 4


def test_vetkd(canister):
    """An encrypted key has 192 bytes; contexts and canisters have keys of their own."""
    assert len(derive(canister)["encrypted_key"]) == 192
    keys = {
        canister.call("vetkd_public_key", canister_id=owner, context=context, key_id=vetkd())["public_key"]
        for owner in (None, Principal.management())
        for context in (b"", b"context", bytes(100_000))
    }
    assert {len(key) for key in keys} == {96}
    assert len(keys) == 6


MESSAGES = 10**9
"""More than the messages of a call cost, less than a signature."""


def test_fees(network, canister):
    """The fees are what `ic0.cost_*` says; they are taken from what is attached, the rest comes back."""
    assert set(KEY_NODES) == set(NAMES)
    signers = {
        "sign_with_ecdsa": lambda name, cycles: sign_ecdsa(canister, cycles=cycles, key_id=ecdsa(name)),
        "sign_with_schnorr": lambda name, cycles: sign_schnorr(
            canister, "ed25519", cycles=cycles, key_id=schnorr("ed25519", name)
        ),
        "vetkd_derive_key": lambda name, cycles: derive(canister, cycles=cycles, key_id=vetkd(name)),
    }
    for name, fee in (("key_1", FEE), ("test_key_1", 10**10), ("dfx_test_key", 10**10)):
        for method, sign in signers.items():
            before = network.replica.canister(canister.id).cycles
            text = f"{method} request sent with {fee - 1} cycles, but {fee} cycles are required."
            assert sign(name, fee - 1) == Failed(4, text)
            assert 0 < before - network.replica.canister(canister.id).cycles < MESSAGES
            before = network.replica.canister(canister.id).cycles
            assert isinstance(sign(name, 2 * FEE), dict)
            assert fee < before - network.replica.canister(canister.id).cycles < fee + MESSAGES
    before = network.replica.canister(canister.id).cycles
    public(canister, "ecdsa", ecdsa())
    assert 0 < before - network.replica.canister(canister.id).cycles < MESSAGES


@pytest.mark.parametrize(
    ("method", "fields", "key"),
    [
        ("sign_with_ecdsa", {"key_id": ecdsa("no"), "message_hash": HASH}, "ecdsa:Secp256k1:no"),
        (
            "sign_with_schnorr",
            {"key_id": schnorr("bip340secp256k1", "no"), "message": b"", "aux": None},
            "schnorr:Bip340Secp256k1:no",
        ),
        (
            "sign_with_schnorr",
            {"key_id": schnorr("ed25519", "no"), "message": b"", "aux": None},
            "schnorr:Ed25519:no",
        ),
        (
            "vetkd_derive_key",
            {"key_id": vetkd("no"), "input": b"", "context": b"", "transport_public_key": b""},
            "vetkd:Bls12_381_G2:no",
        ),
        ("ecdsa_public_key", {"key_id": ecdsa("no"), "canister_id": None}, "ecdsa:Secp256k1:no"),
        (
            "schnorr_public_key",
            {"key_id": schnorr("ed25519", "no"), "canister_id": None},
            "schnorr:Ed25519:no",
        ),
        (
            "vetkd_public_key",
            {"key_id": vetkd('"\n'), "canister_id": None, "context": b""},
            r"vetkd:Bls12_381_G2:\"\n",
        ),
    ],
)
def test_unknown_keys(canister, method, fields, key):
    """A key that there is not is refused with the names of those that there are, as the replica does."""
    path: dict[str, list[bytes]] = {} if method.startswith("vetkd") else {"derivation_path": []}
    asks = method.endswith("public_key")
    asked, those = ("unknown", "") if asks else ("unknown or disabled", "enabled ")
    problem = f"Requested {asked} threshold key: {key}, existing {those}keys: [{EXISTING}]"
    text = f'Unable to route management canister request {method}: ChainKeyError("{problem}")'
    assert canister.call(method, FEE, **path, **fields) == Failed(3, text)


def test_further_keys(tmp_path):
    """Keys of further names sign as the others, at a test key's fee, are listed, and follow from the seed alone."""
    with (
        embedded(seed=b"a", threshold_keys=["0", "my key"]) as network,
        embedded(seed=b"a", threshold_keys=["0"], subnets="application=2") as other,
    ):
        canister = Forwarder(network)
        key = public(canister, "ecdsa", ecdsa("0"))["public_key"]
        verify_ecdsa(key, sign_ecdsa(canister, cycles=10**10, key_id=ecdsa("0"))["signature"])
        short = "sign_with_ecdsa request sent with 9999999999 cycles, but 10000000000 cycles are required."
        assert sign_ecdsa(canister, cycles=10**10 - 1, key_id=ecdsa("0")) == Failed(4, short)
        refused = sign_ecdsa(canister, key_id=ecdsa("1")).text
        assert "ecdsa:Secp256k1:0, ecdsa:Secp256k1:dfx_test_key" in refused
        assert "vetkd:Bls12_381_G2:my key" in refused
        assert set(network.threshold_keys) == {
            *map(str, KEYS),
            *(f"{kind.value}:{name}" for kind in Algorithm for name in ("0", "my key")),
        }
        assert other.threshold_keys.items() <= network.threshold_keys.items()
        assert len(derive(Forwarder(other), key_id=vetkd("0"))["encrypted_key"]) == 192
    with embedded(tmp_path / "state", threshold_keys=["0"]) as first:
        before = first.threshold_keys
    with embedded(tmp_path / "state") as again:
        assert again.threshold_keys.items() < before.items()


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("0", "give a sequence of names"),
        (["key_1"], "there is a key 'key_1' already"),
        (["a", "a"], "there is a key 'a' already"),
        ([""], "not empty"),
        ([0], "not empty"),
        (7, "give a sequence of names"),
    ],
)
def test_names_that_are_no_further_keys(names, problem):
    """What is no list of new names is refused with a sentence."""
    with pytest.raises(InputError, match=problem):
        embedded(threshold_keys=names)


def test_further_keys_are_in_the_history():
    """A recorded network with further keys runs again with them: the signature was paid for."""
    with embedded(history=True, threshold_keys=["0"]) as network:
        canister = Forwarder(network)
        verify_ecdsa(
            public(canister, "ecdsa", ecdsa("0"))["public_key"],
            sign_ecdsa(canister, key_id=ecdsa("0"))["signature"],
        )
        seen = network.history[-1].after(canister.id)
        assert seen.cycles == network.replica.canister(canister.id).cycles


ROOT = {"bip341": {"merkle_root_hash": bytes(31)}}
OFF_THE_SUBGROUP = b"\x80" + bytes(46) + b"\x04"


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        (lambda it: sign_ecdsa(it, message_hash=b""), "message_hash has 0 bytes, expected 32"),
        (lambda it: sign_ecdsa(it, message_hash=bytes(33)), "message_hash has 33 bytes, expected 32"),
        (lambda it: sign_ecdsa(it, [b""] * 256), "number of elements exceeds maximum allowed 255"),
        (
            lambda it: sign_schnorr(it, "ed25519", [b""] * 256),
            "number of elements exceeds maximum allowed 255",
        ),
        (
            lambda it: public(it, "ecdsa", ecdsa(), [b""] * 256),
            "number of elements exceeds maximum allowed 255",
        ),
        (
            lambda it: sign_schnorr(it, "ed25519", aux=ROOT),
            "Schnorr algorithm Ed25519 does not support aux input",
        ),
        (
            lambda it: sign_schnorr(it, "bip340secp256k1", aux=ROOT),
            "Invalid aux field for Bip340Secp256k1",
        ),
        (
            lambda it: derive(it, transport_public_key=bytes(47)),
            "transport_public_key has 47 bytes, expected 48",
        ),
        (
            lambda it: derive(it, transport_public_key=bytes(48)),
            "The provided transport public key is invalid.",
        ),
        (
            lambda it: derive(it, transport_public_key=b"\xc0" + bytes(46) + b"\1"),
            "transport public key is invalid.",
        ),
        (lambda it: derive(it, transport_public_key=OFF_THE_SUBGROUP), "transport public key is invalid."),
    ],
)
def test_arguments_that_are_refused(network, canister, sign, text):
    """What cannot be signed or encrypted is rejected by name, and costs nothing."""
    before = network.replica.canister(canister.id).cycles
    refused = sign(canister)
    assert refused.code == 4
    assert text in refused.text
    assert 0 < before - network.replica.canister(canister.id).cycles < MESSAGES


@pytest.mark.parametrize(
    "method",
    [
        "ecdsa_public_key", "sign_with_ecdsa", "schnorr_public_key", "sign_with_schnorr", "vetkd_public_key",
        "vetkd_derive_key",
    ],
)  # fmt: skip
def test_bytes_that_are_no_argument(canister, method):
    """Bytes that are no argument of the method, such as an unknown curve, are rejected as such."""
    for argument in (b"", b"junk", b"DIDL\0\0"):
        refused = canister.raw(method, argument, FEE)
        assert refused.code == 4
        assert refused.text.startswith("Error decoding candid")


def test_longest_paths(canister):
    """Paths of 255 elements work, also of long ones."""
    path = [bytes([index % 256]) * (index * 20) for index in range(MAX_PATH)]
    key = public(canister, "ecdsa", ecdsa(), path)["public_key"]
    verify_ecdsa(key, sign_ecdsa(canister, path)["signature"])
    key = public(canister, "schnorr", schnorr("ed25519"), path)["public_key"]
    signature = sign_schnorr(canister, "ed25519", path)["signature"]
    Ed25519PublicKey.from_public_bytes(key).verify(signature, b"message")


def seen_on(replica):
    """Every kind of signature of a new canister, and the master keys."""
    canister = Forwarder(EmbeddedNetwork(replica))
    signed = [sign_ecdsa(canister), derive(canister)]
    signed += [sign_schnorr(canister, algorithm) for algorithm in ("ed25519", "bip340secp256k1")]
    return signed, replica.threshold_keys


def test_runs_are_repeatable():
    """The same seed and calls give the same signatures; another seed other keys."""
    with (
        Replica(ReplicaConfig(seed=b"a", clock=ManualClock())) as first,
        Replica(ReplicaConfig(seed=b"a", clock=ManualClock())) as again,
        Replica(ReplicaConfig(seed=b"b", clock=ManualClock())) as other,
    ):
        seen = seen_on(first)
        assert seen_on(again) == seen
        assert set(other.threshold_keys) == set(seen[1]) == {str(key) for key in KEYS}
        assert not set(other.threshold_keys.values()) & set(seen[1].values())


def test_keys_survive_a_restart(tmp_path):
    """A network in a state folder keeps its keys."""
    with Replica(ReplicaConfig(state_dir=tmp_path / "state")) as replica:
        network = EmbeddedNetwork(replica)
        canister, keys = Forwarder(network), network.threshold_keys
        before = sign_ecdsa(canister)
        replica.restart()
        assert network.threshold_keys == keys
        assert sign_ecdsa(canister) == before


def test_the_program_of_the_documentation(tmp_path):
    """The program of docs/threshold-keys.md runs beside a canister that signs."""
    text = (PROJECT / "docs" / "threshold-keys.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    shutil.copy(PROJECT / "fixtures" / "canisters" / "motoko" / "signer.wasm.gz", tmp_path / "signer.wasm")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{sorted(str(key) for key in KEYS)}\n"
