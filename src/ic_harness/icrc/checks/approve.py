"""Checks of `icrc2_approve` and `icrc2_allowance`."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.context import SECOND_NS, ZERO, Caller, LedgerContext
from ic_harness.icrc.responses import number

from .registry import check

_MINUTE: Final = 60
_SUB: Final = b"\x02" * 32
_MARGIN: Final = 600 * SECOND_NS


def allowed(
    context: LedgerContext, owner: Caller, spender: Caller, amount: int, what: str, expires: int | None = None
) -> None:
    """Require an allowance between two default accounts."""
    found = context.allowance(owner, spender)
    equal((found.allowance, found.expires_at), (amount, expires), f"the allowance and its end {what}")


@check("TA1")
def an_approval_replaces_the_one_before(context: LedgerContext) -> None:
    """An approval sets amount and end; a second one replaces both, and zero takes the approval away."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    allowed(context, alice, bob, 0, "before an approval")
    end = context.now_ns() + 3600 * SECOND_NS
    answers(alice.approve(bob, context.unit, expires_at=end), "Ok", "an approval")
    allowed(context, alice, bob, context.unit, "after an approval", end)
    answers(alice.approve(bob, 7), "Ok", "a second approval")
    allowed(context, alice, bob, 7, "after a second approval without an end")
    answers(alice.approve(bob, 0), "Ok", "an approval of zero")
    allowed(context, alice, bob, 0, "after an approval of zero")
    equal(alice.balance(), had - 3 * context.fee, "the owner's balance after three approvals")


@check("TA1")
def an_approval_needs_only_the_fee(context: LedgerContext) -> None:
    """More than the balance can be approved; only the fee is taken."""
    alice, bob, rich = context.funded("alice"), context.caller("bob"), context.funded("rich")
    had = alice.balance()
    amount = had + rich.balance()
    answers(alice.approve(bob, amount), "Ok", "an approval of more than the balance")
    allowed(context, alice, bob, amount, "after an approval of more than the balance")
    equal(alice.balance(), had - context.fee, "the owner's balance after it")


@check("TA2")
def an_expected_allowance_is_compared(context: LedgerContext) -> None:
    """An approval with another `expected_allowance` than the current one is `AllowanceChanged`, and changes nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    answers(alice.approve(bob, 9, expected_allowance=1), "AllowanceChanged", "an approval that expects 1", 0)
    answers(alice.approve(bob, 50, expected_allowance=0), "Ok", "an approval that expects no allowance")
    had = alice.balance()
    for wrong in (0, 49, 51):
        answer = alice.approve(bob, 9, expected_allowance=wrong)
        answers(answer, "AllowanceChanged", f"an approval that expects {wrong} where 50 is", 50)
    allowed(context, alice, bob, 50, "after approvals that expected another one")
    equal(alice.balance(), had, "the owner's balance after them")
    answers(
        alice.approve(bob, 9, expected_allowance=50), "Ok", "an approval that expects the current allowance"
    )
    allowed(context, alice, bob, 9, "after it")


@check("TA3")
def an_end_in_the_past_is_refused(context: LedgerContext) -> None:
    """An approval whose end is not in the future is `Expired` with the ledger's time, and changes nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    answers(alice.approve(bob, 50), "Ok", "an approval")
    had = alice.balance()
    for end in (0, context.now_ns() - _MARGIN):
        now = context.now_ns()
        answer = alice.approve(bob, 9, expires_at=end)
        answers(answer, "Expired", "an approval whose end is past")
        near = abs((answer.value or 0) - now) < _MARGIN
        require(
            near, f"Expired has the ledger time {number(answer.value or 0)}; it is about {number(now)} ns"
        )
    allowed(context, alice, bob, 50, "after approvals whose end is past")
    equal(alice.balance(), had, "the owner's balance after them")


@check("TA3")
def an_allowance_ends_in_time(context: LedgerContext) -> None:
    """From its end on an allowance is zero: it is shown so, cannot be spent, and compares as zero."""
    if not context.moves_time:
        context.advance(1)  # raises with the reason
    alice, bob = context.funded("alice"), context.caller("bob")
    end = context.now_ns() + 30 * _MINUTE * SECOND_NS
    answers(alice.approve(bob, context.unit, expires_at=end), "Ok", "an approval for 30 minutes")
    context.advance(20 * _MINUTE)
    answers(bob.transfer_from(alice, bob, 5), "Ok", "a transfer_from before the end of the allowance")
    context.advance(11 * _MINUTE)
    answer = bob.transfer_from(alice, bob, 5)
    answers(answer, "InsufficientAllowance", "a transfer_from after the end of the allowance", 0)
    allowed(context, alice, bob, 0, "after its end")
    answers(alice.approve(bob, 6, expected_allowance=0), "Ok", "an approval that expects none after the end")
    allowed(context, alice, bob, 6, "after a new approval")


@check("TA4")
def an_approval_that_cannot_be_paid_is_refused(context: LedgerContext) -> None:
    """A wrong fee is `BadFee`, an account without the fee `InsufficientFunds`; neither changes the allowance."""
    alice, bob, poor = context.funded("alice"), context.caller("bob"), context.caller("poor")
    had = alice.balance()
    for wrong in (context.fee + 1, 2**70):
        answers(
            alice.approve(bob, 9, fee=wrong),
            "BadFee",
            f"an approval with the fee {number(wrong)}",
            context.fee,
        )
    allowed(context, alice, bob, 0, "after approvals with a wrong fee")
    equal(alice.balance(), had, "the owner's balance after them")
    if context.fee:
        answers(poor.approve(bob, 9), "InsufficientFunds", "an approval by an account without tokens", 0)
        allowed(context, poor, bob, 0, "after an approval that could not be paid")


@check("TA5")
def a_repeated_approval_is_a_duplicate(context: LedgerContext) -> None:
    """A repeated approval with `created_at_time` is `Duplicate`: it costs no fee and restores no spent allowance."""
    alice, bob = context.funded("alice"), context.caller("bob")
    fields = {"created_at_time": context.now_ns()}
    first = alice.approve(bob, context.unit, **fields)
    answers(first, "Ok", "an approval that was created now")
    answers(bob.transfer_from(alice, bob, 5), "Ok", "a transfer_from")
    had, left = alice.balance(), context.allowance(alice, bob).allowance
    answers(alice.approve(bob, context.unit, **fields), "Duplicate", "the same approval again", first.value)
    allowed(context, alice, bob, left, "after a repeated approval")
    equal(alice.balance(), had, "the owner's balance after a repeated approval")


@check("TA5")
def approvals_at_wrong_times_are_refused(context: LedgerContext) -> None:
    """An approval created too long ago is `TooOld`, one of the future `CreatedInFuture`."""
    alice, bob = context.funded("alice"), context.caller("bob")
    now = context.now_ns()
    old = now - 25 * 3600 * SECOND_NS
    answers(alice.approve(bob, 9, created_at_time=old), "TooOld", "an approval created 25 hours ago")
    answer = alice.approve(bob, 9, created_at_time=now + _MARGIN)
    answers(answer, "CreatedInFuture", "an approval created 600 s from now")
    allowed(context, alice, bob, 0, "after approvals at wrong times")


@check("TA6")
def allowances_belong_to_accounts(context: LedgerContext) -> None:
    """An allowance is between two accounts: other subaccounts have none, and no subaccount is that of zeros."""
    alice, bob = context.funded("alice"), context.caller("bob")
    context.fund(alice.account(_SUB), context.unit)
    answers(alice.approve(bob, 11), "Ok", "an approval")
    answers(alice.approve(bob, 22, from_subaccount=_SUB), "Ok", "an approval for a subaccount")
    answers(alice.approve(bob.account(_SUB), 33), "Ok", "an approval of a subaccount of the spender")
    pairs = {
        (None, None): 11,
        (ZERO, ZERO): 11,
        (_SUB, None): 22,
        (None, _SUB): 33,
        (_SUB, _SUB): 0,
    }
    for (mine, theirs), amount in pairs.items():
        found = context.allowance(alice.account(mine), bob.account(theirs))
        equal(
            found.allowance,
            amount,
            f"the allowance from subaccount {_said(mine)} for subaccount {_said(theirs)}",
        )
    equal(context.allowance(bob, alice).allowance, 0, "the allowance in the other direction")


@check("TA6")
def a_caller_cannot_approve_itself(context: LedgerContext) -> None:
    """An approval whose spender is the caller is refused, whatever the subaccounts, and costs nothing."""
    alice = context.funded("alice")
    had = alice.balance()
    for subaccount in (None, ZERO, _SUB):
        answer = alice.approve(alice.account(subaccount), 9)
        require(
            not answer.ok, f"an approval of the caller itself (subaccount {_said(subaccount)}) was accepted"
        )
    equal(alice.balance(), had, "the balance after approvals of the caller itself")


def _said(subaccount: bytes | None) -> str:
    return "none" if subaccount is None else f"{subaccount[:2].hex()}…"
