"""The random check: 1,000 operations on the ledger and on the model, compared after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from ic_harness.icrc._generated import Account, AllowanceArgs
from ic_harness.icrc.assertions import BrokenError, NotApplicableError, UnmetError, answers
from ic_harness.icrc.context import ZERO, Caller, LedgerContext
from ic_harness.icrc.model import LedgerModel, Rules, Transaction
from ic_harness.icrc.operations import ACCOUNTS, MINTING, Operation, funding, generate, shrink
from ic_harness.icrc.responses import OK, Response, number

from .registry import check

OPERATIONS: Final = 1000
SEED: Final = 20_000
WORK: Final = 10_000
"""Operations that cutting the list down may cost."""
_SUB: Final = b"\x09" * 32
_TIMED: Final = frozenset({"CreatedInFuture", "Expired"})
"""Errors whose number is the time, which the model does not know exactly."""


@check("TX2")
def random_operations_agree_with_the_model(context: LedgerContext) -> None:
    """After each of 1,000 random operations answer, balances, allowance and supply are those of the model."""
    check_operations(context, SEED, OPERATIONS)


def check_operations(context: LedgerContext, seed: int, number_of: int) -> None:
    """Compare the ledger with the model over random operations.

    Raises `BrokenError` with the seed and a short list of operations that still shows the difference.
    """
    without = _impossible(context)
    with context.unrecorded():
        rules = _rules(context)
        operations = generate(seed, number_of, rules, without=without)
        difference = _difference(context, "all", rules, operations)
        if difference is None:
            return
        place, seen = difference
        short = _shortest(context, rules, operations[:place])
    try:
        again = _difference(context, "short", rules, short)
    except UnmetError:
        again = None
    lines = [f"{line}. {operation}" for line, operation in enumerate(short, 1)]
    raise BrokenError(
        f"operation {place} of {number_of} (seed {seed}): {seen}; "
        f"{_enough(short, again)}\n" + "\n".join(lines)
    )


def _impossible(context: LedgerContext) -> frozenset[str]:
    """Return the kinds of operations that the ledger, the network or the suite cannot make."""
    return frozenset(
        [
            *([] if context.moves_time else ["wait"]),
            *([] if _is_minter(context) else ["mint"]),
            *([] if _has_minting_account(context) else ["burn"]),
            *([] if context.has_allowances else ["approve", "transfer_from"]),
        ]
    )


def _enough(short: Sequence[Operation], again: tuple[int, str] | None) -> str:
    if again is None:
        return f"the {len(short)} operations that showed it too do not every time"
    return f"{len(short)} operations on accounts that are funded alike are enough"


def _shortest(context: LedgerContext, rules: Rules, operations: Sequence[Operation]) -> list[Operation]:
    """Cut operations down to a short list that still makes a difference, each try on new accounts."""
    attempts = count()

    def fails(some: Sequence[Operation]) -> bool:
        try:
            return _difference(context, f"try-{next(attempts)}", rules, some) is not None
        except UnmetError:  # the treasury has no tokens left for another try
            return False

    return shrink(operations, fails, WORK)


def _is_minter(context: LedgerContext) -> bool:
    try:
        return bool(context.minter)
    except (UnmetError, NotApplicableError):
        return False


def _has_minting_account(context: LedgerContext) -> bool:
    try:
        return bool(context.minting)
    except NotApplicableError:
        return False


def _rules(context: LedgerContext) -> Rules:
    """Read the ledger's parameters. Fees leave the supply, or stay in it where an account collects them."""
    payer, spender = context.funded("payer"), context.caller("spender")

    def burns(call: Callable[[], Response], what: str) -> bool:
        before = context.supply()
        answers(call(), OK, what)
        return not context.alone or context.supply() != before

    return Rules(
        fee=context.fee,
        minting=MINTING,
        fees_burned=burns(lambda: payer.transfer(payer, context.unit), "a transfer to oneself"),
        approval_fees_burned=context.has_allowances
        and burns(lambda: payer.approve(spender, 0), "an approval of nothing"),
    )


def _difference(
    context: LedgerContext, attempt: str, rules: Rules, operations: Sequence[Operation]
) -> tuple[int, str] | None:
    """Run operations on new accounts; the number (from 1) of the first that differs and how, or None."""
    run = _Run(context, attempt, rules)
    for place, operation in enumerate(operations, 1):
        seen = run.execute(operation)
        if seen is not None:
            return place, f"{operation}: {seen}"
    seen = run.compare_all()
    return None if seen is None else (len(operations), f"after the last operation: {seen}")


class _Run:
    """One run on accounts of its own, so that runs on one ledger do not disturb each other."""

    def __init__(self, context: LedgerContext, attempt: str, rules: Rules) -> None:
        self.context = context
        self.model = LedgerModel(rules)
        self.callers = [context.caller(f"{attempt}-{number}", in_bulk=True) for number in (1, 2, 3)]
        self.reader = self.callers[0].client
        self.minter = context.minter_in_bulk if _is_minter(context) else None
        self.start = context.now_ns()
        with context.unrecorded():
            for call in funding(rules):
                context.fund(self._account(call.target), call.amount)
                self.model.apply(call, -1)
        self.supply_before = context.supply() - self.model.supply

    def execute(self, operation: Operation) -> str | None:
        """Run one operation on both; how they differ, or None."""
        if operation.call is None:
            self.context.advance(operation.wait_ns // 1_000_000_000)
            self.model.now_ns += operation.wait_ns
            return None
        call = operation.call
        allowed = self.model.judge(call)
        answer = self._send(call)
        if not any(_same(answer, one) for one in allowed):
            return f"expected {' or '.join(map(str, allowed))}, got {answer}"
        if answer.ok:
            self.model.apply(call, answer.value or 0)
        return self._compare(
            {call.source, call.target, call.caller}, [(call.source, call.caller), (call.source, call.target)]
        )

    def compare_all(self) -> str | None:
        """Compare all balances and allowances; how they differ, or None."""
        accounts = range(1, ACCOUNTS + 1)
        return self._compare(
            set(accounts), [(one, other) for one in accounts for other in accounts if one != other]
        )

    def _compare(self, accounts: set[object], pairs: list[tuple[object, object]]) -> str | None:
        for account in sorted(accounts - {MINTING}, key=str):
            seen = self.reader.icrc1_balance_of(self._written_otherwise(account))
            if seen != self.model.balance(account):
                wanted = self.model.balance(account)
                return f"the balance of account {account}: expected {number(wanted)}, got {number(seen)}"
        for owner, spender in pairs if self.context.has_allowances else ():
            if MINTING in (owner, spender) or owner == spender:
                continue
            pair = AllowanceArgs(
                account=self._written_otherwise(owner), spender=self._written_otherwise(spender)
            )
            seen = self.reader.icrc2_allowance(pair).allowance
            if seen != (wanted := self.model.allowance(owner, spender).amount):
                return f"the allowance from account {owner} to {spender}: expected {number(wanted)}, got {number(seen)}"
        if (
            self.context.alone
            and (seen := self.reader.icrc1_total_supply() - self.supply_before) != self.model.supply
        ):
            return f"the supply of the run: expected {number(self.model.supply)}, got {number(seen)}"
        return None

    def _send(self, call: Transaction) -> Response:
        caller = self._caller(call.caller)
        fields = {
            "fee": call.fee,
            "memo": call.memo,
            "created_at_time": None if call.created_at is None else self.start + call.created_at,
        }
        target = self._account(call.target)
        if call.kind == "approve":
            expires = None if call.expires is None else self.start + call.expires
            more = {"expected_allowance": call.expected, "expires_at": expires}
            subaccount = self._subaccount(call.source)
            return caller.approve(target, call.amount, **fields, **more, from_subaccount=subaccount)
        if call.kind == "transfer_from":
            subaccount = self._subaccount(call.caller)
            source = self._account(call.source)
            return caller.transfer_from(source, target, call.amount, **fields, spender_subaccount=subaccount)
        return caller.transfer(target, call.amount, **fields, from_subaccount=self._subaccount(call.source))

    def _caller(self, account: object) -> Caller:
        if account == MINTING:
            assert self.minter is not None, "bug: mints are generated for the minter only"
            return self.minter
        assert isinstance(account, int)
        return self.callers[(account - 1) // 2]

    def _account(self, account: object) -> Account:
        if account == MINTING:
            return self.context.minting
        return self._caller(account).account(self._subaccount(account))

    def _written_otherwise(self, account: object) -> Account:
        """Return the account for reading: a default account has the other of its two forms than in updates."""
        form = self._account(account)
        if form.subaccount not in (None, ZERO):
            return form
        return Account(owner=form.owner, subaccount=None if form.subaccount else ZERO)

    def _subaccount(self, account: object) -> bytes | None:
        """Accounts with odd numbers are default accounts, written as zeros where the number is above 4."""
        if account == MINTING:
            return self.context.minting.subaccount
        assert isinstance(account, int)
        if account % 2 == 0:
            return _SUB
        return ZERO if account > 4 else None


def _same(answer: Response, allowed: Response) -> bool:
    return answer.tag == allowed.tag and (
        allowed.value is None or answer.tag in _TIMED or answer.value == allowed.value
    )
