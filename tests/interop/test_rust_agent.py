"""ic-agent and ic-utils with every check that they make by default."""

from __future__ import annotations

import pytest

from .conftest import have
from .lab import MAINNET_KEY, OWNER, Fixture

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture
def ask(lab, counter):
    """Ask ic-agent about the fresh counter."""
    judge = have("ic_agent")

    def asking(scenario, **more):
        return judge.ask(scenario, **{**lab.address, "canister": counter.id, **more})

    return asking


def test_update_and_query(ask):
    """Updates with their certificates and queries with their signatures are believed."""
    assert ask("round_trip") == {"before": "40", "incremented": "41", "echoed": True}


def test_refusals(ask):
    """Refusals are certified where the replica has executed, uncertified where it has not."""
    seen = {name: result["error"] for name, result in ask("refusals").items()}
    told = {name: (error["kind"], error["reject_code"], error["error_code"]) for name, error in seen.items()}
    assert told == {
        "by_assert": ("CertifiedReject", 5, "IC0503"),
        "by_throw": ("CertifiedReject", 4, "IC0406"),
        "in_query": ("UncertifiedReject", 5, "IC0503"),
        "no_update": ("CertifiedReject", 5, "IC0536"),
        "no_query": ("UncertifiedReject", 5, "IC0536"),
        "no_canister_update": ("UncertifiedReject", 3, "IC0301"),
        "no_canister_query": ("UncertifiedReject", 3, "IC0301"),
    }


def test_every_key_type(ask):
    """The canister sees the principal of the key: anonymous, Ed25519, secp256k1 and P-256."""
    for name, seen in ask("callers").items():
        assert seen["query"] == seen["update"] == {"ok": seen["expected"]}, name


def test_delegations(ask):
    """A session acts for its root key within its targets and its time, and not outside."""
    seen = ask("delegations")
    root = {"ok": seen["root"]}
    for name in ("one_link", "right_target"):
        assert (seen[name]["query"], seen[name]["update"]) == (root, root), name
    for name in ("wrong_target", "expired"):
        assert set(seen[name]["query"]) == set(seen[name]["update"]) == {"error"}, name


def test_state(ask, lab):
    """ic-agent finds the canister's subnet, its nodes, ranges and metrics, and the canister's metadata."""
    seen = ask("state")
    fixture = Fixture("motoko/counter")
    assert seen["module_hash"] == fixture.hash
    assert seen["controllers"] == [str(OWNER)]
    assert "increment: () -> (nat)" in seen["candid"]
    assert seen["candid"].encode() in fixture.wasm
    assert "error" in seen["absent_metadata"]
    assert (seen["subnet"], seen["in_subnet"], seen["nodes"]) == (str(lab.subnet), True, 1)
    assert seen["metrics"] >= 1


def test_wrong_root_key(ask):
    """An agent that trusts another root key believes nothing: its checks are on."""
    seen = ask("wrong_root_key", root_key=MAINNET_KEY)
    assert set(seen["update"]) == set(seen["query"]) == {"error"}


@pytest.mark.parametrize("generation", ["motoko", "motoko-classical"])
def test_life_of_a_canister(ask, generation, tmp_path):
    """Create, install, upgrade, stop and delete work through ic-utils."""
    modules = {}
    for name in ("counter", "counter_v2"):
        modules[name] = tmp_path / f"{name}.wasm"
        modules[name].write_bytes(Fixture(f"{generation}/{name}").wasm)
    keep = generation == "motoko"
    seen = ask("life", wasm=str(modules["counter"]), next_wasm=str(modules["counter_v2"]), keep=keep)
    assert seen["empty"] == {
        "status": "running",
        "by_query": "running",
        "hash": None,
        "controllers": [seen["principal"]],
    }
    assert (seen["counted"], seen["upgraded"]) == ("41", "42")
    assert (seen["stopped"]["status"], seen["stopped"]["by_query"]) == ("stopped", "stopped")
    assert seen["stopped"]["hash"] == Fixture(f"{generation}/counter_v2").hash
    assert seen["refused"]["error"]["error_code"] == "IC0508"
    assert seen["removed"]["error"]["error_code"] == "IC0301"
