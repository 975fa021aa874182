"""The Bitcoin interface as canisters see it, and `network.bitcoin`."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica.bitcoin import Network, Transaction, script_of
from ic_harness.replica.bitcoin.transactions import TxIn, TxOut
from ic_harness.replica.management.call import interface
from tests.replica.support import did, wasm

ALICE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
BOB = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
COIN = 100_000_000
REGTEST = {"regtest": None}
TESTNET_CANISTER = Principal.from_text("g4xu7-jiaaa-aaaan-aaaaq-cai")


class Asker:
    """A canister that forwards calls of the Bitcoin interface."""

    def __init__(self, network):
        self.network = network
        self.service = did("rust/rust")
        self.id = network.deploy(wasm("rust/rust"), candid.encode((0,), self.service.init_args or ()))

    def ask(self, method, cycles=0, callee=None, **fields):
        known = interface().methods[f"bitcoin_{method}"]
        arg = candid.encode((fields,), known.arg_types)
        forward = self.service.methods["forward"]
        call = (callee or Principal.management(), f"bitcoin_{method}", arg, cycles, None)
        reply = self.network.agent().update(self.id, "forward", candid.encode(call, forward.arg_types))
        (outcome,) = candid.decode(reply, forward.return_types)
        if "Err" in outcome:
            return outcome["Err"]["message"]
        values = candid.decode(outcome["Ok"], known.return_types)
        return values[0] if values else None


@pytest.fixture
def asker(network):
    return Asker(network)


def payment(network, address, value):
    """A transaction that spends the oldest reward of Alice."""
    oldest = network.bitcoin.utxos(ALICE)[-1]
    outputs = (TxOut(value, script_of(address, Network.REGTEST)),)
    return Transaction(2, (TxIn(oldest.outpoint),), outputs)


def test_a_wallet(network, asker):
    """Mined coins are seen, sent by the canister, and confirmed by the next block."""
    network.bitcoin.mine(ALICE, 101)
    assert asker.ask("get_balance", address=ALICE, network=REGTEST) == 101 * 50 * COIN
    assert asker.ask("get_balance", address=ALICE, network=REGTEST, min_confirmations=101) == 50 * COIN
    sent = payment(network, BOB, 49 * COIN)
    assert asker.ask("send_transaction", transaction=sent.encoded(), network=REGTEST) is None
    assert [one.id for one in network.bitcoin.waiting] == [sent.id]
    assert network.bitcoin.balance(BOB) == 0
    network.bitcoin.mine(ALICE)
    found = asker.ask("get_utxos", address=BOB, network=REGTEST)
    assert found["utxos"] == [
        {"outpoint": {"txid": sent.id, "vout": 0}, "value": 49 * COIN, "height": network.bitcoin.height}
    ]
    assert found["next_page"] is None
    assert len(asker.ask("get_current_fee_percentiles", network=REGTEST)) == 101


def test_pages_and_headers(network, asker):
    """UTXOs come a thousand at a time, as of the first page's tip; headers a hundred at a time."""
    network.bitcoin.mine(ALICE, 1003)
    first = asker.ask("get_utxos", address=ALICE, network=REGTEST)
    network.bitcoin.mine(ALICE)
    second = asker.ask("get_utxos", address=ALICE, network=REGTEST, filter={"page": first["next_page"]})
    assert [len(page["utxos"]) for page in (first, second)] == [1000, 3]
    assert second["tip_block_hash"] == first["tip_block_hash"]
    outpoints = {str(one["outpoint"]) for page in (first, second) for one in page["utxos"]}
    assert len(outpoints) == 1003
    headers = asker.ask("get_block_headers", start_height=5, end_height=None, network=REGTEST)
    assert len(headers["block_headers"]) == 100
    assert headers["tip_height"] == 1004
    two = asker.ask("get_block_headers", start_height=5, end_height=6, network=REGTEST)
    assert two["block_headers"] == headers["block_headers"][:2]


@pytest.mark.parametrize(
    ("method", "fields", "text"),
    [
        ("get_balance", {"address": "nonsense"}, "Malformed address."),
        (
            "get_utxos",
            {"address": ALICE, "filter": {"min_confirmations": 9}},
            "min_confirmations is too large. Given: 9, max supported: 3",
        ),
        ("get_utxos", {"address": ALICE, "filter": {"page": b"x"}}, "The provided page is malformed."),
        ("get_utxos", {"address": ALICE, "filter": {"page": bytes(40)}}, "tip block hash is unknown"),
        ("get_block_headers", {"start_height": 3}, "Requested: 3, height of chain: 2"),
        ("get_block_headers", {"start_height": 2, "end_height": 1}, "larger than the requested end_height"),
        ("send_transaction", {"transaction": b"\1"}, "Can't deserialize transaction because it's malformed."),
    ],
)
def test_refusals(network, asker, method, fields, text):
    """What the Bitcoin canister refuses, with its texts."""
    network.bitcoin.mine(ALICE, 2)
    assert text in asker.ask(method, network=REGTEST, **fields)


def test_invalid_transactions_are_dropped(network, asker):
    """Nodes drop what is not valid; the canister does not learn of it, the test does."""
    network.bitcoin.mine(ALICE, 2)
    sent = payment(network, BOB, 1)
    assert asker.ask("send_transaction", transaction=sent.encoded(), network=REGTEST) is None
    assert network.bitcoin.waiting == []
    assert "coinbase output of less than 100 blocks" in network.bitcoin.refused[0]


def test_other_networks_cost_cycles(network, asker):
    """On testnet and mainnet the maximum must be attached, the fee is charged, the rest returned."""
    address = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
    testnet = {"testnet": None}
    network.bitcoin.on("testnet").mine(address)
    refused = asker.ask("get_balance", address=address, network=testnet)
    assert refused.endswith("request sent with 0 cycles, but 40000000 cycles are required.")
    asked = {"address": address, "network": testnet, "cycles": 40_000_000}
    assert asker.ask("get_balance", **asked) == 50 * COIN
    assert asker.ask("get_balance", callee=TESTNET_CANISTER, **asked) == 50 * COIN
    assert network.bitcoin.height == 0


def test_chains_go_back_with_the_network(network):
    """A restored network has the chains that it had."""
    network.bitcoin.mine(ALICE)
    with network.anchored():
        network.bitcoin.mine(ALICE, 5)
    assert network.bitcoin.height == 1
