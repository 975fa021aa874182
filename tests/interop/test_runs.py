"""Canisters of three languages sign, derive, encrypt, fetch and pay; what they make is judged by others' libraries.

Motoko and Rust sign and encrypt in `test_vetkeys.py`; here are JavaScript's canister, fetching and paying.
"""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.networks import EmbeddedNetwork
from ic_harness.principal import Principal
from ic_harness.replica.management.call import interface

from .conftest import have
from .test_vetkeys import BLS, FEE, fields, opened, transport

pytestmark = pytest.mark.interop

URL = "https://prices.example/icp"
PRICE = 10**10
"""More cycles than an outcall costs."""


@pytest.fixture(scope="module")
def judge():
    """The libraries that check signatures and open encrypted keys."""
    return have("vetkeys")


@pytest.fixture
def azle(lab):
    """A JavaScript canister that calls the management canister."""
    return lab.deploy("azle/counter")


@pytest.fixture
def outcalls(lab):
    """The responses to outcalls of the lab's canisters."""
    answers = EmbeddedNetwork(lab.replica).outcalls
    before = answers.orders()
    yield answers
    answers.restore(before)


def manage(canister, name, cycles, /, **argument):
    """Let the JavaScript canister call the management canister; the record that came back."""
    known = interface().methods[name]
    encoded = candid.encode((argument,), known.arg_types)
    reply = canister.call("forward", Principal.management(), name, encoded, cycles)
    return candid.decode(reply, known.return_types)[0]


def test_javascript_signs(judge, azle):
    """A JavaScript canister signs by keys that it derives; the signatures are those of these keys."""
    path, message = [b"a", bytes(40)], bytes(range(32))
    curve = {"curve": {"secp256k1": None}, "name": "key_1"}
    key = manage(azle, "ecdsa_public_key", 0, canister_id=None, derivation_path=path, key_id=curve)
    made = manage(azle, "sign_with_ecdsa", FEE, message_hash=message, derivation_path=path, key_id=curve)
    cases = [fields("ecdsa", key["public_key"], message, made["signature"])]
    for algorithm, kind in (("ed25519", "ed25519"), ("bip340secp256k1", "bip340")):
        named = {"algorithm": {algorithm: None}, "name": "key_1"}
        key = manage(azle, "schnorr_public_key", 0, canister_id=None, derivation_path=path, key_id=named)
        asked = {"message": message, "derivation_path": path, "key_id": named, "aux": None}
        made = manage(azle, "sign_with_schnorr", FEE, **asked)
        cases.append(fields(kind, key["public_key"], message, made["signature"]))
    assert judge.ask("signatures", signed=cases)["seen"] == [[True, False]] * len(cases)


def test_javascript_encrypts(judge, lab, azle):
    """A key that a JavaScript canister derives opens for its user only."""
    asked = {"context": b"notes", "input": b"alice", "key_id": BLS, "transport_public_key": transport(judge)}
    encrypted = manage(azle, "vetkd_derive_key", FEE, **asked)["encrypted_key"]
    seen = opened(judge, lab, azle, encrypted, b"notes", b"alice")
    assert seen["opened"] == {"plain": "c0ffee", "signs": True}
    assert "error" in seen["stolen"]


def test_motoko_fetches(lab, outcalls):
    """Motoko's run time encodes the request and decodes the response; what was not needed is refunded."""
    outcalls.when("GET", URL).reply(200, "3.52")
    wallet = lab.deploy("motoko/wallet")
    status, text, refunded = wallet.call("fetch", URL, PRICE)
    assert (status, text) == (200, "3.52")
    assert 0 < refunded < PRICE


def test_rust_and_javascript_fetch(lab, outcalls, azle):
    """A Rust and a JavaScript canister fetch the same page, each with cycles attached."""
    outcalls.when("GET", URL).reply(200, "3.52")
    method = interface().methods["http_request"]
    asked = {"url": URL, "max_response_bytes": 1_000, "method": {"get": None}, "headers": [], "body": None}
    request = {**asked, "transform": None, "is_replicated": None}
    assert manage(azle, "http_request", PRICE, **request)["body"] == b"3.52"
    rust = lab.deploy("rust/rust", 0)
    encoded = candid.encode((request,), method.arg_types)
    reply = rust.call("forward", Principal.management(), "http_request", encoded, PRICE, None)
    assert candid.decode(reply["Ok"], method.return_types)[0]["body"] == b"3.52"


def test_canisters_pay_each_other(lab, azle):
    """JavaScript and Motoko send cycles to Motoko's wallet, which accepts as many as it wants; the rest comes back."""
    wallet, other = lab.deploy("motoko/wallet"), lab.deploy("motoko/wallet")
    encoded = candid.encode((600,), (candid.NAT,))
    accepted = azle.call("forward", wallet.id, "deposit", encoded, 1_000)
    assert candid.decode(accepted, [candid.NAT]) == (600,)
    assert other.call("give", str(wallet.id), 1_000, 400) == {"accepted": 400, "refunded": 600}
