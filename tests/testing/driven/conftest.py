"""A shop and its vault: the classical faults of calls between canisters, each beside its healthy twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_harness.networks import deploy_canister, embedded

CANISTERS = Path(__file__).resolve().parents[3] / "fixtures" / "canisters"
PRICE = 5


class Market:
    """The two canisters, and what always has to hold."""

    def __init__(self, network, shops_subnet=None, vaults_subnet=None):
        self.network = network
        self.shop = deploy_canister(network, CANISTERS / "motoko" / "shop.wasm.gz", subnet=shops_subnet)
        self.vault = deploy_canister(network, CANISTERS / "motoko" / "vault.wasm.gz", subnet=vaults_subnet)
        self.canisters = {"shop": self.shop, "vault": self.vault}
        self.at = str(self.vault.canister_id)

    def conserved(self):
        credit, coins = self.shop.state()["credit"], self.vault.state()["coins"]
        assert credit + coins == 100, f"{credit} credit and {coins} coins are not 100"

    def paid(self):
        """What was paid and not shipped is refunded once the shop has recovered."""
        self.shop.recover(self.at)
        vault = self.vault.state()
        assert vault["coins"] == PRICE * vault["shipped"], (
            f"{vault['coins']} coins, {vault['shipped']} shipped"
        )

    def in_stock(self):
        assert self.shop.state()["stock"] >= 0, "more was sold than there was"


@pytest.fixture(scope="session")
def own_network():
    with embedded() as network:
        yield network


@pytest.fixture(scope="session")
def _market(own_network):
    return Market(own_network)


@pytest.fixture
def market(_market):
    with _market.network.anchored():
        yield _market
