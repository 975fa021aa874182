"""Checks of upgrades."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import answers, equal
from ic_harness.icrc.context import SECOND_NS, LedgerContext

from .registry import check

_SUB: Final = b"\x04" * 32


@check("TU1")
def balances_survive_an_upgrade(context: LedgerContext) -> None:
    """Balances of accounts and subaccounts, total supply, minting account and metadata are the same."""
    alice, bob = context.funded("alice"), context.caller("bob")
    context.fund(bob.account(_SUB), context.unit)
    answers(alice.transfer(bob, context.unit), "Ok", "a transfer")

    def state() -> dict[str, object]:
        ledger = context.reader
        return {
            "alice": alice.balance(),
            "bob": bob.balance(),
            "a subaccount of bob": bob.balance(_SUB),
            "total supply": context.supply() if context.alone else None,
            "minting account": ledger.icrc1_minting_account(),
            "metadata": sorted(ledger.icrc1_metadata(), key=lambda entry: entry[0]),
        }

    before = state()
    context.upgrade()
    after = state()
    for name, value in before.items():
        equal(after[name], value, f"after an upgrade: {name}")
    answers(alice.transfer(bob, 1), "Ok", "a transfer after an upgrade")


@check("TU2")
def allowances_survive_an_upgrade(context: LedgerContext) -> None:
    """Amount and end of allowances are the same, and they can be spent."""
    alice, bob, carol = context.funded("alice"), context.caller("bob"), context.caller("carol")
    end = context.now_ns() + 3600 * SECOND_NS
    answers(alice.approve(bob, context.unit, expires_at=end), "Ok", "an approval with an end")
    answers(alice.approve(carol, 2 * context.unit), "Ok", "an approval without an end")
    before = [context.allowance(alice, spender) for spender in (bob, carol)]
    context.upgrade()
    after = [context.allowance(alice, spender) for spender in (bob, carol)]
    equal(after, before, "the allowances after an upgrade")
    answers(carol.transfer_from(alice, carol, 5), "Ok", "a transfer_from after an upgrade")


@check("TU3")
def duplicates_are_known_after_an_upgrade(context: LedgerContext) -> None:
    """Transactions that were executed before an upgrade are duplicates after it."""
    alice, bob = context.funded("alice"), context.caller("bob")
    fields = {"created_at_time": context.now_ns()}
    first = alice.transfer(bob, 5, **fields)
    answers(first, "Ok", "a transfer that was created now")
    context.upgrade()
    had = bob.balance()
    again = alice.transfer(bob, 5, **fields)
    answers(again, "Duplicate", "the same transfer after an upgrade", first.value)
    equal(bob.balance(), had, "the receiver's balance after the repetition")
