"""The model of a ledger: what the standards say, without a canister."""

from __future__ import annotations

import pytest

from ic_harness.icrc.model import DRIFT_NS, HOUR_NS, WINDOW_NS, LedgerModel, Rules, Transaction
from ic_harness.icrc.responses import Response

MINTER, ALICE, BOB, EVE = "minter", "alice", "bob", "eve"
FEE = 10


@pytest.fixture
def ledger():
    """A ledger on which Alice has 1,000 tokens."""
    model = LedgerModel(Rules(fee=FEE, minting=MINTER), now_ns=100 * HOUR_NS)
    model.apply(transfer(MINTER, ALICE, 1000), 0)
    return model


def transfer(source, target, amount, **fields):
    """A transfer by the owner of the source."""
    return Transaction(kind="transfer", caller=source, source=source, target=target, amount=amount, **fields)


def approve(owner, spender, amount, **fields):
    """An approval."""
    return Transaction(kind="approve", caller=owner, source=owner, target=spender, amount=amount, **fields)


def transfer_from(spender, owner, target, amount, **fields):
    """A transfer by allowance."""
    return Transaction(
        kind="transfer_from", caller=spender, source=owner, target=target, amount=amount, **fields
    )


def done(model, it, index=1):
    """Execute what must be allowed."""
    assert model.judge(it) == [Response("Ok")]
    model.apply(it, index)


def test_a_transfer_pays_amount_and_fee(ledger):
    """The fee leaves the supply; the amount goes to the receiver."""
    done(ledger, transfer(ALICE, BOB, 100))
    assert (ledger.balance(ALICE), ledger.balance(BOB), ledger.supply) == (890, 100, 990)


def test_fees_that_are_collected_stay_in_the_supply():
    """Where fees are not burned, the supply is what was minted."""
    model = LedgerModel(Rules(fee=FEE, minting=MINTER, fees_burned=False))
    done(model, transfer(MINTER, ALICE, 1000))
    done(model, transfer(ALICE, BOB, 100))
    assert model.supply == 1000


def test_burns_and_mints_are_free(ledger):
    """Neither pays a fee, and naming the usual fee is wrong for both."""
    done(ledger, transfer(ALICE, MINTER, 1000))
    assert (ledger.balance(ALICE), ledger.supply) == (0, 0)
    assert ledger.judge(transfer(MINTER, ALICE, 5, fee=FEE)) == [Response("BadFee", 0)]


def test_all_errors_that_apply_are_allowed(ledger):
    """The standards do not order errors, so each of them is an allowed answer."""
    assert ledger.judge(transfer(ALICE, BOB, 991, fee=9)) == [
        Response("BadFee", FEE),
        Response("InsufficientFunds", 1000),
    ]


def test_allowances(ledger):
    """An allowance pays amount and fee, and is not needed by the owner."""
    assert ledger.judge(transfer_from(BOB, ALICE, EVE, 5)) == [Response("InsufficientAllowance", 0)]
    done(ledger, approve(ALICE, BOB, 50))
    assert ledger.judge(transfer_from(BOB, ALICE, EVE, 41)) == [Response("InsufficientAllowance", 50)]
    done(ledger, transfer_from(BOB, ALICE, EVE, 40))
    assert ledger.allowance(ALICE, BOB).amount == 0
    done(ledger, transfer_from(ALICE, ALICE, EVE, 5))


def test_expected_allowances(ledger):
    """An approval that expects another allowance is refused with the current one."""
    done(ledger, approve(ALICE, BOB, 50, expected=0))
    assert ledger.judge(approve(ALICE, BOB, 9, expected=49)) == [Response("AllowanceChanged", 50)]


def test_allowances_end(ledger):
    """At its end an allowance is zero for every purpose."""
    end = ledger.now_ns + HOUR_NS
    done(ledger, approve(ALICE, BOB, 50, expires=end))
    ledger.now_ns = end
    assert ledger.allowance(ALICE, BOB).amount == 0
    assert ledger.judge(approve(ALICE, BOB, 9, expected=0)) == [Response("Ok")]
    assert ledger.judge(approve(ALICE, BOB, 9, expires=end)) == [Response("Expired")]


def test_duplicates_come_first(ledger):
    """A repetition is a duplicate even where the balance does not suffice any more."""
    it = transfer(ALICE, BOB, 990, created_at=ledger.now_ns)
    done(ledger, it, 7)
    assert ledger.judge(it) == [Response("Duplicate", 7)]
    assert ledger.judge(transfer(ALICE, BOB, 990)) == [Response("InsufficientFunds", 0)]


@pytest.mark.parametrize(
    ("offset", "answer"),
    [
        (-WINDOW_NS, "Ok"),
        (-WINDOW_NS - 1, "TooOld"),
        (DRIFT_NS, "Ok"),
        (DRIFT_NS + 1, "CreatedInFuture"),
    ],
)
def test_the_window(ledger, offset, answer):
    """Times up to the window's end and the permitted drift are accepted."""
    it = transfer(ALICE, BOB, 5, created_at=ledger.now_ns + offset)
    assert ledger.judge(it) == [Response(answer)]
