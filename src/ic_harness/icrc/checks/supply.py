"""Checks of minting, burning and the total supply."""

from __future__ import annotations

from ic_harness.icrc.answers import number
from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.scene import ZERO, Scene

from .registry import check


@check("TB1")
def minting_creates_tokens(scene: Scene) -> None:
    """A transfer from the minting account costs no fee and raises the supply; the account itself has no balance."""
    minter, alice = scene.minter, scene.caller("alice")
    before = scene.supply()
    answers(minter.transfer(alice, scene.unit), "Ok", "a mint")
    equal(alice.balance(), scene.unit, "the balance of the account that tokens were minted to")
    if scene.alone:
        equal(scene.supply(), before + scene.unit, "the total supply after a mint")
    equal(scene.balance(scene.minting), 0, "the balance of the minting account")


@check("TB1")
def only_the_minting_account_mints(scene: Scene) -> None:
    """Other subaccounts of the minter, and the same subaccount of other principals, mint nothing."""
    minter, alice, bob = scene.minter, scene.caller("alice"), scene.caller("bob")
    other = b"\x07" * 32
    answer = minter.transfer(bob, 1, from_subaccount=other)
    answers(answer, "InsufficientFunds", "a transfer from an empty subaccount of the minter", 0)
    answer = alice.transfer(bob, 1, from_subaccount=scene.minting.subaccount or ZERO)
    answers(
        answer, "InsufficientFunds", "a transfer from an empty account that is not the minting account", 0
    )
    equal(bob.balance(), 0, "the balance of the account that tokens were sent to")


@check("TB2")
def burning_destroys_tokens(scene: Scene) -> None:
    """A transfer to the minting account costs no fee; balance and supply fall by the amount."""
    alice = scene.funded("alice")
    had, before = alice.balance(), scene.supply()
    answers(alice.transfer(scene.minting, scene.unit), "Ok", "a burn")
    equal(alice.balance(), had - scene.unit, "the balance after a burn")
    equal(scene.balance(scene.minting), 0, "the balance of the minting account after a burn")
    if scene.alone:
        equal(scene.supply(), before - scene.unit, "the total supply after a burn")


@check("TB3")
def small_burns_are_refused_with_the_minimum(scene: Scene) -> None:
    """A burn below the minimum is `BadBurn` and takes nothing; one of the minimum is accepted."""
    alice = scene.funded("alice")
    had = alice.balance()
    answer = alice.transfer(scene.minting, 1)
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
    answers(alice.transfer(scene.minting, least), "Ok", f"a burn of min_burn_amount ({number(least)})")
    equal(alice.balance(), had - least, "the balance after it")


@check("TB3")
def burning_more_than_the_balance_is_refused(scene: Scene) -> None:
    """A burn of more than the balance is `InsufficientFunds` and takes nothing."""
    alice = scene.funded("alice")
    had = alice.balance()
    answer = alice.transfer(scene.minting, had + 1)
    answers(answer, "InsufficientFunds", "a burn of more than the balance", had)
    equal(alice.balance(), had, "the balance after it")
