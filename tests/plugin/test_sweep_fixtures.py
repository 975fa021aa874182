"""The fixtures crash_sweep and explore in a user's tests, and the marker that divides a sweep."""

from __future__ import annotations

from pathlib import Path

CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters" / "motoko"
MARKET = f"""
    import pytest

    @pytest.fixture
    def market(deploy):
        shop = deploy({str(CANISTERS / "shop.wasm.gz")!r})
        vault = deploy({str(CANISTERS / "vault.wasm.gz")!r})
        return shop, vault, str(vault.canister_id)
"""


def test_a_sweep_in_parts(outcome):
    """The marker makes a test of each part; the failure names the intervention and has the test to paste."""
    result = outcome(
        MARKET
        + """
    @pytest.mark.crash_sweep(parts=2, kinds=["trap", "reject"])
    def test_spend(market, crash_sweep):
        shop, vault, at = market

        def conserved():
            assert shop.state()["credit"] + vault.state()["coins"] == 100

        crash_sweep(lambda: shop.spend_faulty(at, 5), conserved)

    def test_buy(market, crash_sweep):
        shop, vault, at = market
        swept = crash_sweep(lambda: shop.guarded(at), lambda: None, kinds=["trap"])
        assert swept.messages == (
            "request 1 of shop.guarded", "request 1 of vault.deposit", "reply 1 of vault.deposit"
        )
    """,
        "--strict-markers",
    )
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert "test_spend[part-1-of-2]" in text
    assert "test_spend[part-2-of-2]" in text
    assert "request 1 of vault.deposit trapped" in text
    assert "request 1 of vault.deposit rejected" in text
    assert "def test_spend_again(market, crash_sweep):" in text


def test_orders(outcome):
    """The story of a failing order, and the order as an argument."""
    result = outcome(
        MARKET
        + """
    def test_take(market, explore):
        shop, vault, at = market
        buyers = {"alice": lambda: shop.take_faulty(at), "bob": lambda: shop.take_faulty(at)}
        explore(buyers, lambda: shop.state()["stock"] >= 0)

    def test_healthy(market, explore):
        shop, vault, at = market
        buyers = {"alice": lambda: shop.take(at), "bob": lambda: shop.take(at)}
        assert explore(buyers, lambda: shop.state()["stock"] >= 0).complete
    """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*an order of messages breaks the invariant*", "*bob.1 shop.take_faulty*", "*test_take_again*"]
    )


def test_a_marker_that_cannot_be(outcome):
    """The number of parts is checked before anything runs."""
    result = outcome(
        MARKET
        + """
    @pytest.mark.crash_sweep(parts="many")
    def test_spend(market, crash_sweep):
        pass
    """
    )
    assert "crash_sweep(parts=…) is a number from 1" in result.stdout.str() + result.stderr.str()
