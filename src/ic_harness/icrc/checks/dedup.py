"""Checks of transaction deduplication by `created_at_time`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.icrc.assertions import answers, equal, require
from ic_harness.icrc.context import SECOND_NS, LedgerContext
from ic_harness.icrc.responses import Response, number

from .registry import check

_HOUR: Final = 3600
_MARGIN: Final = 600
"""Seconds past a limit that ledgers may choose a little differently, such as the permitted drift."""
_LONG_AGO: Final = 30 * 24 * _HOUR
_RESENT_AFTER: Final = (1, 1800, 22 * _HOUR, 5370, 60, 60, 120, 3600)
"""Seconds between repetitions: around the end of a window of 24 hours, with a permitted drift of 0 to 120 s."""


@check("TD1")
def a_repeated_transfer_is_a_duplicate(context: LedgerContext) -> None:
    """The same transfer with the same `created_at_time` is `Duplicate` of the first block and moves nothing."""
    alice, bob = context.funded("alice"), context.caller("bob")
    fields = {"created_at_time": context.now_ns(), "memo": b"order 17"}
    first = alice.transfer(bob, context.unit, **fields)
    answers(first, "Ok", "a transfer that was created now")
    had = alice.balance()
    for _ in range(2):
        answers(
            alice.transfer(bob, context.unit, **fields), "Duplicate", "the same transfer again", first.value
        )
    equal((alice.balance(), bob.balance()), (had, context.unit), "the balances after the repetitions")


@check("TD1")
def a_repetition_without_funds_is_a_duplicate(context: LedgerContext) -> None:
    """A repetition is `Duplicate` also when the balance would not suffice for a second transfer."""
    alice, bob = context.funded("alice"), context.caller("bob")
    fields = {"created_at_time": context.now_ns()}
    amount = alice.balance() - context.fee
    first = alice.transfer(bob, amount, **fields)
    answers(first, "Ok", "a transfer of the whole balance")
    again = alice.transfer(bob, amount, **fields)
    answers(again, "Duplicate", "the same transfer again, from an account that is empty now", first.value)


@check("TD2")
def without_a_time_nothing_is_a_duplicate(context: LedgerContext) -> None:
    """Two equal transfers without `created_at_time` are both executed."""
    alice, bob = context.funded("alice"), context.caller("bob")
    for place in (1, 2):
        answers(
            alice.transfer(bob, 5, memo=b"same"), "Ok", f"transfer {place} of two equal ones without a time"
        )
    equal(bob.balance(), 10, "the receiver's balance after two equal transfers")


@check("TD3")
def any_other_field_is_another_transaction(context: LedgerContext) -> None:
    """Transfers that differ in one field, or in the caller, are executed each."""
    alice, bob, carol = context.funded("alice"), context.caller("bob"), context.funded("carol")
    sub = b"\x05" * 32
    context.fund(alice.account(sub), context.unit)
    now = context.now_ns()
    same = {"created_at_time": now, "memo": b"a"}
    answers(alice.transfer(bob, 5, **same), "Ok", "a transfer that was created now")
    others: dict[str, Callable[[], Response]] = {
        "another amount": lambda: alice.transfer(bob, 6, **same),
        "another memo": lambda: alice.transfer(bob, 5, **same | {"memo": b"b"}),
        "no memo": lambda: alice.transfer(bob, 5, created_at_time=now),
        "another receiver": lambda: alice.transfer(carol, 5, **same),
        "another subaccount of the receiver": lambda: alice.transfer(bob.account(sub), 5, **same),
        "another subaccount of the sender": lambda: alice.transfer(bob, 5, **same, from_subaccount=sub),
        "another time": lambda: alice.transfer(bob, 5, **same | {"created_at_time": now - 1}),
        "another caller": lambda: carol.transfer(bob, 5, **same),
    }
    for what, send in others.items():
        answers(send(), "Ok", f"a transfer that differs from an earlier one in {what}")


@check("TD4")
def times_outside_the_window_are_refused(context: LedgerContext) -> None:
    """A time too far in the past is `TooOld`, one in the future `CreatedInFuture` with the ledger's time."""
    alice, bob = context.funded("alice"), context.caller("bob")
    had = alice.balance()
    for seconds in (24 * _HOUR + _MARGIN, _LONG_AGO):
        answer = alice.transfer(bob, 5, created_at_time=context.now_ns() - seconds * SECOND_NS)
        answers(answer, "TooOld", f"a transfer created {number(seconds)} s ago")
    answers(alice.transfer(bob, 5, created_at_time=0), "TooOld", "a transfer created at time 0")
    now = context.now_ns()
    for created in (now + _MARGIN * SECOND_NS, now + _LONG_AGO * SECOND_NS, 2**64 - 1):
        answer = alice.transfer(bob, 5, created_at_time=created)
        answers(
            answer, "CreatedInFuture", f"a transfer created {number((created - now) // SECOND_NS)} s from now"
        )
        near = abs((answer.value or 0) - now) < _MARGIN * SECOND_NS
        require(
            near,
            f"CreatedInFuture has the ledger time {number(answer.value or 0)}; it is about {number(now)} ns",
        )
    equal((alice.balance(), bob.balance()), (had, 0), "the balances after transfers at wrong times")


@check("TD4")
def times_inside_the_window_are_accepted(context: LedgerContext) -> None:
    """A transfer that was created some hours ago, or now, is executed."""
    alice, bob = context.funded("alice"), context.caller("bob")
    for hours in (0, 1, 12, 23):
        answer = alice.transfer(bob, 5, created_at_time=context.now_ns() - hours * _HOUR * SECOND_NS)
        answers(answer, "Ok", f"a transfer created {hours} hours ago")


@check("TD5")
def nothing_is_executed_twice_at_the_end_of_the_window(context: LedgerContext) -> None:
    """A transfer that is sent again later is `Duplicate` or `TooOld`, at any time."""
    if not context.moves_time:
        context.advance(1)  # raises with the reason
    alice, bob = context.funded("alice"), context.caller("bob")
    fields = {"created_at_time": context.now_ns()}
    first = alice.transfer(bob, 5, **fields)
    answers(first, "Ok", "a transfer that was created now")
    passed = 0
    for seconds in _RESENT_AFTER:
        context.advance(seconds)
        passed += seconds
        answer = alice.transfer(bob, 5, **fields)
        old = answer.tag == "TooOld" and passed >= 23 * _HOUR
        known = answer.tag == "Duplicate" and answer.value == first.value
        require(
            old or known,
            f"the same transfer again {number(passed)} s later: expected {Response('Duplicate', first.value)}, "
            f"got {answer}",
        )
    equal(bob.balance(), 5, "the receiver's balance after all repetitions")
