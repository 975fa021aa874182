"""Tests of what this ledger promises beyond the standards: its fee, and who mints."""

import pytest


def account(who):
    return {"owner": who.principal, "subaccount": None}


def transfer(to, amount):
    rest = dict.fromkeys(("fee", "memo", "from_subaccount", "created_at_time"))
    return {"to": account(to), "amount": amount, **rest}


@pytest.fixture
def ledger(deploy, identity):
    minting = account(identity("minter"))
    return deploy(
        "build/ledger.wasm.gz",
        {"minting": minting, "fee": 25, "name": "Mine", "symbol": "ME", "decimals": 8},
    )


def test_the_minter_mints_without_a_fee(ledger, identity):
    assert "Ok" in ledger.as_(identity("minter")).icrc1_transfer(transfer(identity("bob"), 1_000))
    assert ledger.icrc1_balance_of(account(identity("bob"))) == 1_000
    assert ledger.icrc1_total_supply() == 1_000


def test_a_transfer_costs_the_fee(ledger, identity):
    bob, carol = identity("bob"), identity("carol")
    ledger.as_(identity("minter")).icrc1_transfer(transfer(bob, 1_000))
    ledger.as_(bob).icrc1_transfer(transfer(carol, 300))
    assert ledger.icrc1_balance_of(account(bob)) == 1_000 - 300 - 25
    assert ledger.icrc1_balance_of(account(carol)) == 300


def test_nothing_is_spent_twice(ledger, identity):
    answer = ledger.as_(identity("bob")).icrc1_transfer(transfer(identity("carol"), 300))
    assert answer == {"Err": {"InsufficientFunds": {"balance": 0}}}
