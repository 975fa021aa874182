"""Checks of minting, burning and the total supply."""

from __future__ import annotations

from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.context import ZERO, LedgerContext
from ic_harness.icrc.responses import number

from .registry import check


@check("TB1")
def minting_creates_tokens(context: LedgerContext) -> None:
    """A transfer from the minting account costs no fee and raises the supply; the account itself has no balance."""
    minter, alice = context.minter, context.caller("alice")
    before = context.supply()
    answers(minter.transfer(alice, context.unit), "Ok", "a mint")
    equal(alice.balance(), context.unit, "the balance of the account that tokens were minted to")
    if context.alone:
        equal(context.supply(), before + context.unit, "the total supply after a mint")
    equal(context.balance(context.minting), 0, "the balance of the minting account")


@check("TB1")
def only_the_minting_account_mints(context: LedgerContext) -> None:
    """Other subaccounts of the minter, and the same subaccount of other principals, mint nothing."""
    minter, alice, bob = context.minter, context.caller("alice"), context.caller("bob")
    other = b"\x07" * 32
    answer = minter.transfer(bob, 1, from_subaccount=other)
    answers(answer, "InsufficientFunds", "a transfer from an empty subaccount of the minter", 0)
    answer = alice.transfer(bob, 1, from_subaccount=context.minting.subaccount or ZERO)
    answers(
        answer, "InsufficientFunds", "a transfer from an empty account that is not the minting account", 0
    )
    equal(bob.balance(), 0, "the balance of the account that tokens were sent to")


@check("TB2")
def burning_destroys_tokens(context: LedgerContext) -> None:
    """A transfer to the minting account costs no fee; balance and supply fall by the amount."""
    alice = context.funded("alice")
    had, before = alice.balance(), context.supply()
    answers(alice.transfer(context.minting, context.unit), "Ok", "a burn")
    equal(alice.balance(), had - context.unit, "the balance after a burn")
    equal(context.balance(context.minting), 0, "the balance of the minting account after a burn")
    if context.alone:
        equal(context.supply(), before - context.unit, "the total supply after a burn")


@check("TB3")
def small_burns_are_refused_with_the_minimum(context: LedgerContext) -> None:
    """A burn below the minimum is `BadBurn` and takes nothing; one of the minimum is accepted."""
    alice = context.funded("alice")
    had = alice.balance()
    answer = alice.transfer(context.minting, 1)
    if answer.ok:
        equal(alice.balance(), had - 1, "the balance after a burn of one")
        return
    answers(answer, "BadBurn", "a burn of one")
    equal(alice.balance(), had, "the balance after a burn that was refused")
    least = answer.value or 0
    require(
        1 < least <= had,
        f"min_burn_amount is {number(least)}, which is no reason to refuse a burn of 1 from {number(had)}",
    )
    answers(alice.transfer(context.minting, least), "Ok", f"a burn of min_burn_amount ({number(least)})")
    equal(alice.balance(), had - least, "the balance after it")


@check("TB3")
def burning_more_than_the_balance_is_refused(context: LedgerContext) -> None:
    """A burn of more than the balance is `InsufficientFunds` and takes nothing."""
    alice = context.funded("alice")
    had = alice.balance()
    answer = alice.transfer(context.minting, had + 1)
    answers(answer, "InsufficientFunds", "a burn of more than the balance", had)
    equal(alice.balance(), had, "the balance after it")
