"""Random operations on a ledger: generated from a seed, written as data, and cut down to a short list that still fails.

Accounts are numbers: 0 is the minting account, 1 to `ACCOUNTS` are others. Times are nanoseconds since the run
began. The generator runs a model of its own, so that amounts are at the edges of balances and allowances.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .model import HOUR_NS, LedgerModel, Rules, Transaction
from .responses import OK, number

MINTING: Final = 0
ACCOUNTS: Final = 6
"""Accounts beside the minting account: three principals, two subaccounts each."""
_STEP_NS: Final = HOUR_NS // 6
_LONGEST_NS: Final = 20 * HOUR_NS
"""Time that one run may pass: less than the deduplication window, so that no repetition is at its end."""
_KINDS: Final = {
    "transfer": 36,
    "repeat": 10,
    "approve": 16,
    "transfer_from": 26,
    "burn": 6,
    "mint": 5,
    "wait": 1,
}
"""How often each kind of operation is chosen."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, or a wait of `wait_ns` (then without `call`). Account 0 is the minting account."""

    call: Transaction | None = None
    wait_ns: int = 0

    def __str__(self) -> str:
        if self.call is None:
            return f"wait {self.wait_ns // 60_000_000_000} minutes"
        it = self.call
        who = f" (called by {_name(it.caller)})" if it.caller != it.source else ""
        optional = {
            "fee": it.fee,
            "created_at": it.created_at,
            "expected": it.expected,
            "expires": it.expires,
        }
        fields = "".join(f", {name} {number(value)}" for name, value in optional.items() if value is not None)
        memo = f", memo {it.memo!r}" if it.memo is not None else ""
        return (
            f"{it.kind} {number(it.amount)} from {_name(it.source)} to {_name(it.target)}{who}{fields}{memo}"
        )


def _name(account: object) -> str:
    return "minting" if account == MINTING else f"account {account}"


def funding(rules: Rules) -> list[Transaction]:
    """Return the transactions that fund every account; a run begins with them."""
    amount = 100 * max(10 * rules.fee, 1000)
    return [
        Transaction(kind="transfer", caller=MINTING, source=MINTING, target=account, amount=amount)
        for account in range(1, ACCOUNTS + 1)
    ]


def generate(
    seed: int, count: int, rules: Rules, *, without: Collection[str] = frozenset()
) -> list[Operation]:
    """Return `count` operations; the same for the same arguments.

    `without` names kinds that the ledger or the network cannot: `wait`, `mint`, `burn`, `approve`, `transfer_from`.
    """
    return _Generator(random.Random(seed), rules, without).run(count)  # noqa: S311 - no secret


class _Generator:
    """Chooses operations by the state of a model that executes them."""

    def __init__(self, choose: random.Random, rules: Rules, without: Collection[str]) -> None:
        self.choose = choose
        self.model = LedgerModel(rules)
        self.stamped: list[Transaction] = []
        self.clock = 0
        self.kinds = {kind: weight for kind, weight in _KINDS.items() if kind not in without}
        for call in funding(rules):
            self._execute(Operation(call))

    def run(self, count: int) -> list[Operation]:
        made = []
        for _ in range(count):
            operation = self._next()
            self._execute(operation)
            made.append(operation)
        return made

    def _next(self) -> Operation:
        kind = self.choose.choices(list(self.kinds), list(self.kinds.values()))[0]
        if kind == "wait":
            fits = self.model.now_ns + _STEP_NS <= _LONGEST_NS
            return Operation(wait_ns=_STEP_NS) if fits else Operation(self._transfer())
        if kind == "repeat" and self.stamped:
            return Operation(self.choose.choice(self.stamped[-30:]))
        made = {
            "approve": self._approve,
            "transfer_from": self._transfer_from,
            "burn": lambda: replace(self._transfer(), target=MINTING, fee=None),
            "mint": self._mint,
        }.get(kind, self._transfer)()
        return Operation(self._stamped(made))

    def _execute(self, operation: Operation) -> None:
        self.model.now_ns += operation.wait_ns
        if operation.call is not None and self.model.judge(operation.call)[0].tag == OK:
            self.model.apply(operation.call, 0)

    def _account(self) -> int:
        return self.choose.randint(1, ACCOUNTS)

    def _transfer(self) -> Transaction:
        source = self._account()
        amount = self._amount(self.model.balance(source))
        target = self._account()
        return Transaction(
            kind="transfer", caller=source, source=source, target=target, amount=amount, fee=self._fee()
        )

    def _mint(self) -> Transaction:
        amount = self.choose.randint(1, 100) * max(self.model.rules.fee, 1)
        return Transaction(
            kind="transfer", caller=MINTING, source=MINTING, target=self._account(), amount=amount
        )

    def _approve(self) -> Transaction:
        owner = self._account()
        spender = self._other(owner)
        current = self.model.allowance(owner, spender).amount
        expected = self.choose.choice([None, None, current, current + 1])
        minutes = self.choose.choice([None, None, 15, 35, 125])
        expires = None if minutes is None else self.model.now_ns + minutes * 60_000_000_000
        amount = min(self._amount(self.model.balance(owner)), self.model.supply // 2)
        return Transaction(
            kind="approve", caller=owner, source=owner, target=spender, amount=amount, fee=self._fee(),
            expected=expected, expires=expires,
        )  # fmt: skip

    def _transfer_from(self) -> Transaction:
        pairs = [pair for pair in self.model.allowances if self.model.allowance(*pair).amount]
        if pairs and self.choose.random() < 0.9:
            owner, spender = self.choose.choice(pairs)
        else:
            owner, spender = self._account(), self._account()
        amount = self._amount(self.model.allowance(owner, spender).amount)
        target = self._account()
        return Transaction(
            kind="transfer_from", caller=spender, source=owner, target=target, amount=amount, fee=self._fee()
        )

    def _other(self, account: int) -> int:
        """Return an account of another principal; accounts 1 and 2 are of one, 3 and 4 of the next."""
        others = [other for other in range(1, ACCOUNTS + 1) if (other - 1) // 2 != (account - 1) // 2]
        return self.choose.choice(others)

    def _amount(self, limit: int) -> int:
        """Return an amount: mostly a part of the limit, sometimes at its edge or far past it. At least 10 fees."""
        fee = self.model.rules.fee
        least = max(10 * fee, 10)
        edges = [limit - fee, limit - fee + 1, limit + 1, 2 * limit + least]
        if self.choose.random() < 0.15:
            return max(self.choose.choice(edges), least)
        return self.choose.randint(least, max(limit // 8, least))

    def _fee(self) -> int | None:
        fee = self.model.rules.fee
        return self.choose.choice([None, None, None, fee, fee, fee + 1])

    def _stamped(self, it: Transaction) -> Transaction:
        """Set a unique time on a third of the transactions, and keep those for repetitions."""
        if self.choose.random() >= 1 / 3:
            return it
        self.clock += 1
        memo = self.choose.choice([None, b"", b"memo"])
        stamped = replace(it, memo=memo, created_at=self.model.now_ns - self.clock)
        self.stamped.append(stamped)
        return stamped


def shrink(
    operations: Sequence[Operation], fails: Callable[[Sequence[Operation]], bool], work: int
) -> list[Operation]:
    """Return a shorter list that still fails: leaves out ever smaller parts, while `work` operations can be tried.

    `operations` is known to fail. Each part that is not needed is left out for good.
    """
    kept = list(operations)
    size = max(1, len(kept) // 2)
    while work > 0:
        start = 0
        shorter = False
        while start < len(kept) and work > 0:
            without = kept[:start] + kept[start + size :]
            work -= len(without)
            if without and fails(without):
                kept, shorter = without, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return kept
