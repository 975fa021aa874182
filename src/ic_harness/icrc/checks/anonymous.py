"""Checks of callers that do not sign."""

from __future__ import annotations

from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.context import LedgerContext

from .registry import check


@check("TX1")
def an_anonymous_caller_takes_nothing(context: LedgerContext) -> None:
    """Without an allowance an anonymous caller cannot move tokens of others, by any method."""
    alice, unsigned = context.funded("alice"), context.anonymous()
    had = alice.balance()
    answer = unsigned.transfer_from(alice, unsigned, 1)
    require(not answer.ok, "an anonymous caller took tokens from another account by transfer_from")
    answer = unsigned.transfer(alice, unsigned.balance() + 1)
    require(not answer.ok, "an anonymous caller sent more tokens than its account has")
    equal(alice.balance(), had, "the balance of the account")


@check("TX1")
def the_anonymous_account_pays_for_itself(context: LedgerContext) -> None:
    """What the anonymous principal owns is spent from its own account, or the ledger refuses and nothing moves."""
    alice, unsigned = context.funded("alice"), context.anonymous()
    before = unsigned.balance()
    answers(alice.transfer(unsigned, context.unit), "Ok", "a transfer to the anonymous principal")
    equal(unsigned.balance(), before + context.unit, "the balance of the anonymous principal")
    had = alice.balance()
    spent = unsigned.transfer(alice, 1).ok
    equal(
        unsigned.balance(),
        before + context.unit - (1 + context.fee if spent else 0),
        "its balance after a transfer",
    )
    equal(alice.balance(), had + (1 if spent else 0), "the receiver's balance after it")
