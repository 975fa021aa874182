"""The upgrade rehearsal of a ledger: stores state before an upgrade and compares it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from ._generated import Allowance
from .assertions import BrokenError, NotApplicableError, answers, equal
from .context import SECOND_NS, LedgerContext
from .responses import Response

_HOLDERS: Final = ("ada", "barbara", "grace")
_SPENDER: Final = "spender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The state of a ledger before an upgrade: balances and allowances by holder, and a transfer with its block."""

    balances: dict[str, int]
    supply: int | None
    allowances: dict[str, Allowance]
    created_at: int
    sent: Response

    def __str__(self) -> str:
        counted = f"{len(self.balances)} balances, {len(self.allowances)} allowances"
        return f"{counted} and a transaction that can be repeated"


def store(context: LedgerContext) -> Stored:
    """Fund holders, approve a spender and make a transfer. Raises `BrokenError` when the ledger refuses one."""
    for name in _HOLDERS:
        context.funded(name)
    created = context.now_ns()
    sent = context.caller(_HOLDERS[0]).transfer(context.caller(_SPENDER), 5, created_at_time=created)
    answers(sent, "Ok", "a transfer before the upgrade")
    allowances = {}
    try:
        for place, name in enumerate(_HOLDERS):
            end = None if place == 0 else created + 7 * 24 * 3600 * SECOND_NS
            answer = context.caller(name).approve(
                context.caller(_SPENDER), context.unit + place, expires_at=end
            )
            answers(answer, "Ok", "an approval before the upgrade")
            allowances[name] = _allowance(context, name)
    except NotApplicableError:  # ICRC-1 alone has no approvals
        allowances = {}
    return Stored(
        balances=_balances(context),
        supply=_supply(context),
        allowances=allowances,
        created_at=created,
        sent=sent,
    )


def compare(context: LedgerContext, stored: Stored, when: str) -> Iterator[tuple[str, str]]:
    """Yield each difference with the id of the guarantee that it breaks."""
    for id_, check in (("TU1", _compare_balances), ("TU2", _compare_allowances), ("TU3", _compare_memory)):
        with _collected() as seen:
            check(context, stored)
        yield from ((f"{when}: {text}", id_) for text in seen)


def go_on(context: LedgerContext) -> None:
    """Make a new transfer. Raises `BrokenError` when the ledger refuses it."""
    alice, bob = context.funded("later"), context.caller(_SPENDER)
    answers(alice.transfer(bob, 5), "Ok", "a new transfer")


@contextmanager
def _collected() -> Iterator[list[str]]:
    seen: list[str] = []
    try:
        yield seen
    except BrokenError as error:
        seen.append(str(error))


def _compare_balances(context: LedgerContext, stored: Stored) -> None:
    for name, balance in _balances(context).items():
        equal(balance, stored.balances[name], f"the balance of {name}")
    equal(_supply(context), stored.supply, "the total supply")


def _compare_allowances(context: LedgerContext, stored: Stored) -> None:
    for name, allowance in stored.allowances.items():
        equal(_allowance(context, name), allowance, f"the allowance of {name}'s spender")


def _compare_memory(context: LedgerContext, stored: Stored) -> None:
    holder, spender = context.caller(_HOLDERS[0]), context.caller(_SPENDER)
    again = holder.transfer(spender, 5, created_at_time=stored.created_at)
    answers(again, "Duplicate", "a transfer from before the upgrade, sent again", stored.sent.value)


def _balances(context: LedgerContext) -> dict[str, int]:
    return {name: context.caller(name).balance() for name in (*_HOLDERS, _SPENDER)}


def _supply(context: LedgerContext) -> int | None:
    return context.supply() if context.alone else None


def _allowance(context: LedgerContext, name: str) -> Allowance:
    return context.allowance(context.caller(name), context.caller(_SPENDER))
