"""Checks of `icrc1_transfer` between ordinary accounts."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.context import ZERO, Caller, LedgerContext
from ic_harness.icrc.responses import number

from .registry import check

_HUGE: Final = (2**64 - 1, 2**64, 2**128, 2**200)
"""Amounts at and past the limits of machine integers."""
_LONGEST: Final = 1_000_000
"""Bytes of a memo that fit into an ingress message."""
SUB: Final = b"\x01" + bytes(31)


def unchanged(context: LedgerContext, before: dict[str, int], what: str, *callers: Caller) -> None:
    """Require that the default accounts of callers, and the supply where it can be compared, are as before."""
    equal(balances(context, *callers), before, f"the balances after {what}")


def balances(context: LedgerContext, *callers: Caller) -> dict[str, int]:
    """Read the balances of the default accounts by name; with the total supply where no other client changes it."""
    found = {caller.name: caller.balance() for caller in callers}
    return found | ({"total supply": context.supply()} if context.alone else {})


@check("TT1")
def a_transfer_moves_its_amount(context: LedgerContext) -> None:
    """The receiver gets the amount, the sender pays amount and fee, a third account keeps its balance."""
    alice, bob, carol = context.funded("alice"), context.caller("bob"), context.funded("carol")
    had, others = alice.balance(), carol.balance()
    amount = context.unit + 1
    first = alice.transfer(bob, amount)
    answers(first, "Ok", "a transfer of less than the balance")
    equal(bob.balance(), amount, "the receiver's balance")
    equal(alice.balance(), had - amount - context.fee, "the sender's balance")
    equal(carol.balance(), others, "the balance of an account that took no part")
    second = alice.transfer(bob, amount)
    answers(second, "Ok", "a second transfer")
    require((second.value or 0) > (first.value or 0), f"a transfer after {first} is {second}")


@check("TT2")
def the_fee_is_the_one_that_is_told(context: LedgerContext) -> None:
    """The fee of `icrc1_fee` is accepted and charged, any other is `BadFee` and moves nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    before = balances(context, alice, bob)
    for wrong in {context.fee + 1, max(0, context.fee - 1), 0, 2**70} - {context.fee}:
        answer = alice.transfer(bob, context.unit, fee=wrong)
        answers(answer, "BadFee", f"a transfer with the fee {number(wrong)}", context.fee)
    unchanged(context, before, "transfers with a wrong fee", alice, bob)
    answers(alice.transfer(bob, context.unit, fee=context.fee), "Ok", "a transfer that names the fee")
    equal(alice.balance(), before["alice"] - context.unit - context.fee, "the sender's balance after it")


@check("TT2")
def the_fee_leaves_the_supply_or_is_collected(context: LedgerContext) -> None:
    """A transfer reduces the total supply by the fee, or by nothing where an account collects fees."""
    alice, bob = context.funded("alice"), context.caller("bob")
    if not context.alone:
        return
    before = context.supply()
    answers(alice.transfer(bob, context.unit), "Ok", "a transfer")
    after = context.supply()
    require(
        before - after in {0, context.fee},
        f"the total supply was {number(before)} and is {number(after)} after a transfer",
    )


@check("TT3")
def more_than_the_balance_is_refused(context: LedgerContext) -> None:
    """Every amount that balance less fee does not cover is `InsufficientFunds` with the true balance."""
    alice, bob, poor = context.funded("alice"), context.caller("bob"), context.caller("poor")
    before = balances(context, alice, bob, poor)
    had = alice.balance()
    for amount in (had - context.fee + 1, had + 1, *_HUGE):
        answer = alice.transfer(bob, amount)
        answers(answer, "InsufficientFunds", f"a transfer of {number(amount)} from {number(had)}", had)
    answers(poor.transfer(bob, 1), "InsufficientFunds", "a transfer from an empty account", 0)
    unchanged(context, before, "transfers of more than the balance", alice, bob, poor)
    answers(alice.transfer(bob, had - context.fee), "Ok", "a transfer of all but the fee")
    equal((alice.balance(), bob.balance()), (0, had - context.fee), "the balances after it")


@check("TT4")
def memos_are_limited_as_told(context: LedgerContext) -> None:
    """A memo of the longest length is accepted; a longer one is refused and moves nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    for length in (0, 1, min(context.max_memo, _LONGEST)):
        answers(alice.transfer(bob, 1, memo=bytes(length)), "Ok", f"a transfer with a memo of {length} bytes")
    if context.max_memo > _LONGEST:  # no message is long enough for one byte more
        return
    before = balances(context, alice, bob)
    answer = alice.transfer(bob, 1, memo=bytes(context.max_memo + 1))
    require(
        not answer.ok, f"a memo of {context.max_memo + 1} bytes was accepted; the limit is {context.max_memo}"
    )
    unchanged(context, before, "a transfer with a memo that is too long", alice, bob)


@check("TT5")
def no_subaccount_is_the_subaccount_of_zeros(context: LedgerContext) -> None:
    """The default account is the one of 32 zero bytes: for reading, sending and receiving."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    equal(alice.balance(ZERO), had, "the balance of the subaccount of zeros")
    answers(alice.transfer(bob.account(ZERO), 7), "Ok", "a transfer to the subaccount of zeros")
    equal(bob.balance(), 7, "the balance of the default account after it")
    answer = alice.transfer(bob, 5, from_subaccount=ZERO)
    answers(answer, "Ok", "a transfer from the subaccount of zeros")
    equal(alice.balance(), had - 12 - 2 * context.fee, "the balance of the sender's default account after it")


@check("TT5")
def subaccounts_are_separate(context: LedgerContext) -> None:
    """Each subaccount has a balance of its own, and pays its own transfers."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    answers(alice.transfer(alice.account(SUB), context.unit), "Ok", "a transfer to a subaccount of one's own")
    equal(alice.balance(SUB), context.unit, "the balance of the subaccount")
    rest = had - context.unit - context.fee
    equal(alice.balance(), rest, "the balance of the default account")
    answer = alice.transfer(bob, context.unit - context.fee + 1, from_subaccount=SUB)
    answers(answer, "InsufficientFunds", "a transfer from the subaccount of more than it has", context.unit)
    answer = alice.transfer(bob, 3, from_subaccount=SUB)
    answers(answer, "Ok", "a transfer from the subaccount")
    equal(
        (alice.balance(), alice.balance(SUB)), (rest, context.unit - 3 - context.fee), "the balances after it"
    )
    equal(bob.balance(SUB), 0, "the balance of the receiver's subaccount of the same name")


@check("TT5")
def subaccounts_have_32_bytes(context: LedgerContext) -> None:
    """A subaccount of another length is refused and moves nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    before = balances(context, alice, bob)
    for length in (0, 1, 31, 33):
        answer = alice.transfer(bob.account(b"\x01" * length), 1)
        require(not answer.ok, f"a transfer to a subaccount of {length} bytes was accepted")
        answer = alice.transfer(bob, 1, from_subaccount=b"\x01" * length)
        require(not answer.ok, f"a transfer from a subaccount of {length} bytes was accepted")
    unchanged(context, before, "transfers with subaccounts of a wrong length", alice, bob)


@check("TT6")
def a_transfer_to_oneself_costs_the_fee(context: LedgerContext) -> None:
    """A transfer from an account to itself changes its balance by the fee only."""
    alice = context.funded("alice")
    had = alice.balance()
    answer = alice.transfer(alice, context.unit)
    answers(answer, "Ok", "a transfer to oneself")
    equal(alice.balance(), had - context.fee, "the balance after a transfer to oneself")
    answer = alice.transfer(alice.account(ZERO), alice.balance() - context.fee)
    answers(answer, "Ok", "a transfer of everything to oneself")
    equal(alice.balance(), had - 2 * context.fee, "the balance after it")


@check("TT7")
def nothing_is_a_legal_amount_or_refused(context: LedgerContext) -> None:
    """A transfer of zero moves nothing: it costs the fee when it is executed, and nothing when it is refused."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    answer = alice.transfer(bob, 0)
    equal(bob.balance(), 0, "the receiver's balance after a transfer of zero")
    equal(
        alice.balance(),
        had - (context.fee if answer.ok else 0),
        "the sender's balance after a transfer of zero",
    )
