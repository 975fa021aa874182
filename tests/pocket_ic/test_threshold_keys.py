"""Threshold keys exist where a subnet has them; which subnets have them depends on the version that is served."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ic_harness.candid import encode
from ic_harness.pocket_ic.environment import VERSION_VARIABLE
from ic_harness.replica import SubnetKind
from tests.networks.forwarder import FORWARDER

from .conftest import METHODS
from .conftest import wat as module

TEST_KEYS = ["dfx_test_key", "test_key_1"]
CODE = module(f"(module {FORWARDER})")


@pytest.fixture
def public_key(client):
    """Ask a canister beside subnets of these kinds for its public key; returns the reply or the reject."""
    made = []

    def ask(name, *kinds):
        instance = client.create({kind: {} for kind in kinds} | {"application": [{}]})
        made.append(instance)
        canister = instance.install(CODE)
        argument: dict[str, Any] = {
            "canister_id": None,
            "derivation_path": [],
            "key_id": {"curve": {"secp256k1": None}, "name": name},
        }
        method = b"ecdsa_public_key"
        arg = encode((argument,), METHODS[method.decode()].arg_types)
        answer = instance.call(canister, "forward", bytes(8) + bytes([len(method)]) + method + arg)
        return base64.b64decode(answer["Ok"])

    yield ask
    for instance in made:
        client.http.delete(instance.path)


@pytest.mark.parametrize("name", ["key_1", *TEST_KEYS])
def test_no_subnet_has_keys(public_key, name):
    """Without a subnet that has keys there are none, and the text says so."""
    reply = public_key(name, "nns")
    text = f"Requested unknown threshold key: ecdsa:Secp256k1:{name}, existing keys: []"
    assert reply[:1] == b"!"
    assert text in reply.decode()


@pytest.mark.parametrize("kind", ["ii", "fiduciary"])
def test_key_1(public_key, kind):
    """II and the fiduciary subnet have the key of mainnet alone."""
    assert public_key("key_1", kind)[:4] == b"DIDL"
    refused = public_key("test_key_1", kind).decode()
    assert "existing keys: [ecdsa:Secp256k1:key_1, schnorr:Bip340Secp256k1:key_1, " in refused


@pytest.mark.parametrize("name", TEST_KEYS)
def test_test_keys(public_key, name):
    """The keys for tests are on the subnet that has them on mainnet."""
    assert public_key(name, "test_threshold_keys")[:4] == b"DIDL"
    assert public_key("key_1", "test_threshold_keys")[:1] == b"!"


@pytest.mark.parametrize("kind", [SubnetKind.II, SubnetKind.FIDUCIARY], ids=str)
def test_older_servers(public_key, monkeypatch, kind):
    """Up to version 13 II and the fiduciary subnet had all names."""
    monkeypatch.setenv(VERSION_VARIABLE, "13.0.0")
    for name in ("key_1", *TEST_KEYS):
        assert public_key(name, kind.value)[:4] == b"DIDL"
