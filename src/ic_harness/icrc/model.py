"""A ledger as a pure value: what ICRC-1 and ICRC-2 say about balances, allowances, supply and deduplication.

Accounts are any hashable values, time is in nanoseconds and set by the caller, amounts are in the token's smallest
unit.
The standards do not order the errors, so `judge` returns every error that applies, and a ledger may answer with any of
them. Only a duplicate must be answered as one, because a client that lost a reply learns from it what happened.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import field, replace
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .responses import OK, Response

HOUR_NS: Final = 3_600_000_000_000
WINDOW_NS: Final = 24 * HOUR_NS
"""The example of the standard, which ledgers keep to."""
DRIFT_NS: Final = 120_000_000_000
Account = Hashable


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one ledger chooses: the fee, the minting account, and whether fees leave the supply.

    A ledger may collect the fees of transfers in an account and burn those of approvals.
    """

    fee: int
    minting: Account
    fees_burned: bool = True
    approval_fees_burned: bool = True
    window_ns: int = WINDOW_NS
    drift_ns: int = DRIFT_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One update call, such as the model and a ledger execute it.

    `caller` is the account that calls: the sender of a transfer, the owner of an approval, the spender of a
    transfer_from. `source` is the account that pays, `target` the receiver or the spender that is approved. `kind` is
    `transfer`, `approve` or `transfer_from`. `expected` and `expires` belong to approvals.
    """

    kind: str
    caller: Account
    source: Account
    target: Account
    amount: int
    fee: int | None = None
    memo: bytes | None = None
    created_at: int | None = None
    expected: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """The amount that a spender may take, fees included, until `expires` (ns; None: without end)."""

    amount: int = 0
    expires: int | None = None


@dataclass(slots=True)
class LedgerModel:
    """The state of a ledger. `apply` executes a transaction whose answer was `Ok`."""

    rules: Rules
    now_ns: int = 0
    supply: int = 0
    balances: dict[Account, int] = field(default_factory=dict)
    allowances: dict[tuple[Account, Account], Allowance] = field(default_factory=dict)
    seen: dict[Transaction, int] = field(default_factory=dict)

    def balance(self, account: Account) -> int:
        """Return the balance; the minting account has none."""
        return self.balances.get(account, 0)

    def allowance(self, owner: Account, spender: Account) -> Allowance:
        """Return the allowance that is in force now."""
        found = self.allowances.get((owner, spender), Allowance())
        gone = found.expires is not None and found.expires <= self.now_ns
        return Allowance() if gone or not found.amount else found

    def fee_of(self, it: Transaction) -> int:
        """Return the fee of a transaction: none for mints and burns."""
        minted = it.kind != "approve" and self.rules.minting in (it.source, it.target)
        return 0 if minted else self.rules.fee

    def judge(self, it: Transaction) -> list[Response]:
        """Return the answers that the standards allow; `Ok` alone (without an index) when nothing is wrong."""
        wrong = self._form(it)
        if it.created_at is not None and it in self.seen:
            return [*wrong, Response("Duplicate", self.seen[it])]
        return [*wrong, *self._state(it)] or [Response(OK)]

    def _form(self, it: Transaction) -> list[Response]:
        """Return the errors that do not depend on balances."""
        wrong = []
        if it.fee is not None and it.fee != self.fee_of(it):
            wrong.append(Response("BadFee", self.fee_of(it)))
        if it.created_at is not None and it.created_at < self.now_ns - self.rules.window_ns:
            wrong.append(Response("TooOld"))
        if it.created_at is not None and it.created_at > self.now_ns + self.rules.drift_ns:
            wrong.append(Response("CreatedInFuture"))
        if it.expires is not None and it.expires <= self.now_ns:
            wrong.append(Response("Expired"))
        return wrong

    def _state(self, it: Transaction) -> list[Response]:
        """Return the errors that balances and allowances cause."""
        wrong = []
        cost = self._cost(it)
        if it.source != self.rules.minting and self.balance(it.source) < cost:
            wrong.append(Response("InsufficientFunds", self.balance(it.source)))
        if self._spends(it) and (left := self.allowance(it.source, it.caller).amount) < cost:
            wrong.append(Response("InsufficientAllowance", left))
        if it.expected is not None:
            current = self.allowance(it.source, it.target).amount
            wrong += [Response("AllowanceChanged", current)] if current != it.expected else []
        return wrong

    def _cost(self, it: Transaction) -> int:
        return self.fee_of(it) + (it.amount if it.kind != "approve" else 0)

    def _spends(self, it: Transaction) -> bool:
        """Whether the transaction uses an allowance; the owner of an account needs none."""
        return it.kind == "transfer_from" and it.source != it.caller

    def apply(self, it: Transaction, index: int) -> None:
        """Execute a transaction that the ledger executed as block `index`."""
        cost, fee = self._cost(it), self.fee_of(it)
        if it.source == self.rules.minting:
            self.supply += it.amount
        else:
            self.balances[it.source] = self.balance(it.source) - cost
        if it.kind == "approve":
            self.allowances[it.source, it.target] = Allowance(it.amount, it.expires)
        elif it.target == self.rules.minting:
            self.supply -= it.amount
        else:
            self.balances[it.target] = self.balance(it.target) + it.amount
        if self._spends(it):
            left = self.allowance(it.source, it.caller)
            self.allowances[it.source, it.caller] = replace(left, amount=left.amount - cost)
        burned = self.rules.approval_fees_burned if it.kind == "approve" else self.rules.fees_burned
        self.supply -= fee if burned else 0
        if it.created_at is not None:
            self.seen[it] = index
