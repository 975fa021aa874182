"""Checks of `icrc2_transfer_from`."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import answers, equal
from ic_harness.icrc.context import LedgerContext
from ic_harness.icrc.responses import number

from .approve import allowed
from .registry import check
from .transfer import balances, unchanged

_SUB: Final = b"\x03" * 32


@check("TF1")
def the_owner_pays_amount_and_fee(context: LedgerContext) -> None:
    """The receiver gets the amount, the owner pays amount and fee, the spender pays nothing."""
    alice, bob, carol = context.funded("alice"), context.funded("bob"), context.caller("carol")
    answers(alice.approve(bob, 10 * context.unit), "Ok", "an approval")
    owner, spender = alice.balance(), bob.balance()
    answers(bob.transfer_from(alice, carol, context.unit), "Ok", "a transfer_from within the allowance")
    equal(carol.balance(), context.unit, "the receiver's balance")
    equal(alice.balance(), owner - context.unit - context.fee, "the owner's balance")
    equal(bob.balance(), spender, "the spender's balance")


@check("TF2")
def the_allowance_falls_by_amount_and_fee(context: LedgerContext) -> None:
    """Each transfer reduces the allowance by amount and fee and keeps its end."""
    alice, bob = context.funded("alice"), context.caller("bob")
    end = context.now_ns() + 3600 * 1_000_000_000
    left = 3 * (context.unit + context.fee)
    answers(alice.approve(bob, left, expires_at=end), "Ok", "an approval")
    for place in (1, 2):
        answers(bob.transfer_from(alice, bob, context.unit), "Ok", f"transfer_from number {place}")
        left -= context.unit + context.fee
        allowed(context, alice, bob, left, f"after transfer_from number {place}", end)
    answers(bob.transfer_from(alice, bob, context.unit), "Ok", "a transfer_from that uses up the allowance")
    allowed(context, alice, bob, 0, "after it was used up")


@check("TF3")
def more_than_the_allowance_is_refused(context: LedgerContext) -> None:
    """An allowance that does not cover amount and fee is `InsufficientAllowance`, and nothing moves."""
    alice, bob, carol = context.funded("alice"), context.caller("bob"), context.caller("carol")
    before = balances(context, alice, bob, carol)
    answer = bob.transfer_from(alice, carol, 1)
    answers(answer, "InsufficientAllowance", "a transfer_from without an approval", 0)
    unchanged(context, before, "a transfer_from without an approval", alice, bob, carol)
    had = context.unit + context.fee
    answers(alice.approve(bob, had), "Ok", "an approval")
    before = balances(context, alice, bob, carol)
    for amount in (context.unit + 1, had + 1):
        answer = bob.transfer_from(alice, carol, amount)
        answers(
            answer,
            "InsufficientAllowance",
            f"a transfer_from of {number(amount)} from an allowance of {number(had)}",
            had,
        )
    unchanged(context, before, "transfers of more than the allowance", alice, bob, carol)
    allowed(context, alice, bob, had, "after transfers that were refused")


@check("TF3")
def an_allowance_is_for_one_spender(context: LedgerContext) -> None:
    """Another principal, another subaccount of the spender, and whom the spender approved cannot use an allowance."""
    alice, bob, eve = context.funded("alice"), context.funded("bob"), context.caller("eve")
    answers(alice.approve(bob, context.unit), "Ok", "an approval of bob")
    answers(bob.approve(eve, context.unit), "Ok", "an approval by bob")
    had = alice.balance()
    answer = eve.transfer_from(alice, eve, 1)
    answers(answer, "InsufficientAllowance", "a transfer_from by a caller that the spender approved", 0)
    answer = bob.transfer_from(alice, bob, 1, spender_subaccount=_SUB)
    answers(answer, "InsufficientAllowance", "a transfer_from by another subaccount of the spender", 0)
    answer = bob.transfer_from(alice.account(_SUB), bob, 1)
    answers(answer, "InsufficientAllowance", "a transfer_from another subaccount of the owner", 0)
    equal(alice.balance(), had, "the owner's balance after transfers that were refused")


@check("TF4")
def a_refused_transfer_keeps_the_allowance(context: LedgerContext) -> None:
    """Too little on the account is `InsufficientFunds`, a wrong fee `BadFee`; the allowance stays as it is."""
    alice, bob, rich = (
        context.funded("alice"),
        context.caller("bob"),
        context.funded("rich", 50 * context.unit),
    )
    amount = rich.balance()
    answers(alice.approve(bob, amount), "Ok", "an approval of more than the balance")
    before = balances(context, alice, bob)
    had = alice.balance()
    answer = bob.transfer_from(alice, bob, had - context.fee + 1)
    answers(
        answer,
        "InsufficientFunds",
        f"a transfer_from of {number(had - context.fee + 1)} from {number(had)}",
        had,
    )
    answer = bob.transfer_from(alice, bob, 5, fee=context.fee + 1)
    answers(answer, "BadFee", "a transfer_from with a wrong fee", context.fee)
    unchanged(context, before, "transfers that were refused", alice, bob)
    allowed(context, alice, bob, amount, "after transfers that were refused")


@check("TF5")
def a_repeated_transfer_from_is_a_duplicate(context: LedgerContext) -> None:
    """A repetition with `created_at_time` is `Duplicate`; balances and allowance stay."""
    alice, bob, carol = context.funded("alice"), context.caller("bob"), context.caller("carol")
    answers(alice.approve(bob, 10 * context.unit), "Ok", "an approval")
    fields = {"created_at_time": context.now_ns()}
    first = bob.transfer_from(alice, carol, 5, **fields)
    answers(first, "Ok", "a transfer_from that was created now")
    before, left = balances(context, alice, carol), context.allowance(alice, bob).allowance
    again = bob.transfer_from(alice, carol, 5, **fields)
    answers(again, "Duplicate", "the same transfer_from again", first.value)
    unchanged(context, before, "a repeated transfer_from", alice, carol)
    allowed(context, alice, bob, left, "after a repeated transfer_from")
    old = context.now_ns() - 25 * 3600 * 1_000_000_000
    answers(bob.transfer_from(alice, carol, 5, created_at_time=old), "TooOld", "one created 25 hours ago")


@check("TF6")
def an_owner_needs_no_allowance(context: LedgerContext) -> None:
    """The account that calls can use transfer_from on itself without an allowance, as if it were a transfer."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    answers(alice.transfer_from(alice, bob, context.unit), "Ok", "a transfer_from one's own account")
    equal(
        (alice.balance(), bob.balance()),
        (had - context.unit - context.fee, context.unit),
        "the balances after it",
    )
