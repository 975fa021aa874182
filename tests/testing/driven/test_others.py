"""The sweep and the explorer run to the end on canisters that others wrote; docs/found.md has what they find."""

from __future__ import annotations

import gzip

import pytest

from ic_harness import candid
from ic_harness.icrc.suite import MINTER
from ic_harness.networks import Canister, deploy_canister
from ic_harness.testing.crash_sweep import sweep
from ic_harness.testing.interleavings import find_order
from tests.icrc.ledgers import judged, real_ledger
from tests.testing.found import greeter_file, runs

from .conftest import CANISTERS

ASSETS = candid.parse(
    "type File = record { key: text; content_type: text; content_encoding: text; content: blob; sha256: opt blob };"
    "type Permission = variant { Commit; Prepare; ManagePermissions };"
    "service : (opt variant { Init : record {}; Upgrade : record {} }) -> {"
    "  store : (File) -> (); list : (record {}) -> (vec record { key: text }) query;"
    "  grant_permission : (record { to_principal: principal; permission: Permission }) -> () }"
)


def both(name, network, canisters, one, other, invariant):
    """Sweep the two callers one after the other, and explore the two together, in as many runs as the page says."""

    def in_a_row():
        one()
        other()

    swept = sweep(network, in_a_row, invariant, canisters=canisters)
    explored = find_order(network, {"one": one, "other": other}, invariant, canisters=canisters)
    assert swept.runs == swept.planned
    assert explored.complete
    assert (swept.runs, explored.runs) == runs(name)
    return swept, explored


def argument(method, *values):
    return candid.encode(values, ASSETS.methods[method].arg_types)


@pytest.fixture
def network(own_network):
    with own_network.anchored():
        yield own_network


@pytest.mark.slow
def test_the_asset_canister(network):
    """Files that another canister stores: each is there as a whole or not at all, in every run."""
    rust = deploy_canister(network, CANISTERS / "rust" / "rust.wasm.gz", [0])
    wasm = gzip.decompress((CANISTERS / "rust" / "assets.wasm.gz").read_bytes())
    where = network.deploy(wasm, candid.encode((None,), ASSETS.init_args or ()))
    assets = Canister(network, where, identity=network.deployer, service=ASSETS)
    assets.grant_permission({"to_principal": rust.canister_id, "permission": {"Commit": None}})

    def store(key):
        file = {"key": key, "content_type": "text/plain", "content_encoding": "identity", "content": b"it"}
        return rust.forward(where, "store", argument("store", {**file, "sha256": None}), 0, None)

    def listed():
        keys = sorted(file["key"] for file in assets.list({}))
        assert len(keys) == len(set(keys))
        assert set(keys) <= {"/a", "/b"}

    swept, explored = both(
        "assets", network, {"rust": rust, "assets": assets}, lambda: store("/a"), lambda: store("/b"), listed
    )
    assert [finding.intervention for finding in swept.findings] == []
    assert explored.order is None


@pytest.mark.slow
def test_azle(network):
    """A canister in TypeScript on another one's runtime calls its twin: a counter counts each answered call once."""
    counter = CANISTERS / "azle" / "counter.wasm.gz"
    one, other = deploy_canister(network, counter), deploy_canister(network, counter)
    start = other.get()

    def counted():
        assert start <= other.get() <= start + 4

    def increment():
        return one.increment_other(other.canister_id)

    swept, explored = both("counter", network, {"one": one, "other": other}, increment, increment, counted)
    assert swept.findings == []
    assert explored.order is None


@pytest.mark.slow
def test_the_counter_of_dfinity(network):
    """Two calls of another canister: each one that was answered is counted, and none twice."""
    rust = deploy_canister(network, CANISTERS / "rust" / "rust.wasm.gz", [0])
    service = candid.parse(greeter_file("declarations/counter/counter.did").decode())
    where = network.deploy(greeter_file("counter.wasm"))
    greeter = Canister(network, where, identity=network.deployer, service=service)
    nothing = candid.encode((), ())

    def increment():
        return rust.forward(where, "inc_read", nothing, 0, None)

    def counted():
        assert 0 <= greeter.read() <= 2

    swept, explored = both(
        "greeter", network, {"rust": rust, "greeter": greeter}, increment, increment, counted
    )
    assert swept.findings == []
    assert explored.order is None


@pytest.mark.slow
def test_the_ledger_of_dfinity():
    """Transfers between a canister and a user: tokens are neither made nor lost."""
    with judged(real_ledger()) as target:
        network, alice = target.network, target.identity("alice").principal
        ledger = target.canister(target.identity("alice"))
        rust = deploy_canister(network, CANISTERS / "rust" / "rust.wasm.gz", [0])
        holders = [{"owner": owner, "subaccount": None} for owner in (alice, rust.canister_id)]
        mint = target.canister(target.shared(MINTER))
        for holder in holders:
            assert "Ok" in mint.icrc1_transfer(transfer(holder, 10**9))
        method = ledger.service.methods["icrc1_transfer"]

        def by_canister():
            arg = candid.encode((transfer(holders[0], 7),), method.arg_types)
            assert "Ok" in rust.forward(target.canister_id, "icrc1_transfer", arg, 0, None)

        def by_user():
            assert "Ok" in ledger.icrc1_transfer(transfer(holders[1], 5))

        def conserved():
            held = sum(ledger.icrc1_balance_of(holder) for holder in holders)
            assert held == ledger.icrc1_total_supply()

        canisters = {"rust": rust, "ledger": target.canister_id}
        swept, explored = both("ledger", network, canisters, by_canister, by_user, conserved)
        assert swept.findings == []
        assert explored.order is None


def transfer(to, amount):
    """The argument of icrc1_transfer."""
    optional = dict.fromkeys(("fee", "memo", "from_subaccount", "created_at_time"))
    return {"to": to, "amount": amount, **optional}
