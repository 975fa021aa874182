"""The context of a check: a ledger, callers with funded accounts of their own, and the record of their calls."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from ic_harness.errors import RejectError
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Identity

from ._generated import (
    Account,
    Allowance,
    AllowanceArgs,
    ApproveArgs,
    LedgerClient,
    TransferArgs,
    TransferFromArgs,
)
from .assertions import BrokenError, NotApplicableError, UnmetError, require
from .responses import MissingMethodError, Response, number, read_reject, read_response

ZERO: Final = bytes(32)
"""The subaccount that is the same as none."""
SECOND_NS: Final = 1_000_000_000


class Caller:
    """One principal on the ledger. Methods return a `Response`; a trap of the ledger is one too.

    `in_bulk` is for thousands of calls of which only the effects matter: they are cheaper where the network can.
    """

    def __init__(
        self, context: LedgerContext, name: str, identity: Identity, *, in_bulk: bool = False
    ) -> None:
        self.name = name
        self.principal: Principal = identity.principal
        agent = context.network.bulk_agent(identity) if in_bulk else context.network.agent(identity)
        self.client = LedgerClient(agent, context.canister_id)
        self._context = context

    def account(self, subaccount: bytes | None = None) -> Account:
        """Return an account of this principal; the default one without `subaccount`."""
        return Account(owner=self.principal, subaccount=subaccount)

    def balance(self, subaccount: bytes | None = None) -> int:
        """Read the balance of an account of this principal."""
        return self._context.balance(self.account(subaccount))

    def transfer(self, to: Account | Caller, amount: int, **fields: Any) -> Response:
        """Call `icrc1_transfer`; `fields` are the optional ones of its argument."""
        args = TransferArgs(to=_account(to), amount=amount, **fields)
        return self._update("icrc1_transfer", self.client.icrc1_transfer, args)

    def approve(self, spender: Account | Caller, amount: int, **fields: Any) -> Response:
        """Call `icrc2_approve`; `fields` are the optional ones of its argument."""
        args = ApproveArgs(spender=_account(spender), amount=amount, **fields)
        return self._update("icrc2_approve", self.client.icrc2_approve, args)

    def transfer_from(
        self, source: Account | Caller, to: Account | Caller, amount: int, **fields: Any
    ) -> Response:
        """Call `icrc2_transfer_from`; `fields` are the optional ones of its argument."""
        args = TransferFromArgs(from_=_account(source), to=_account(to), amount=amount, **fields)
        return self._update("icrc2_transfer_from", self.client.icrc2_transfer_from, args)

    def _update(self, method: str, call: Callable[[Any], Any], args: Any) -> Response:
        try:
            answer = read_response(call(args))
        except RejectError as error:
            try:
                answer = read_reject(error)
            except MissingMethodError as missing:
                raise NotApplicableError(str(missing)) from error
        self._context.record(self.name, method, self._context.written(args), answer)
        return answer


def _account(holder: Account | Caller) -> Account:
    return holder.account() if isinstance(holder, Caller) else holder


class LedgerContext:
    """One ledger and the callers of one check.

    `identities` returns the identity of a name; `treasury` is the identity that funds callers: the owner of the minting
    account, or of an account with tokens. `upgrade` upgrades the ledger to the build under test. With `alone`, no other
    client uses the ledger meanwhile, so the total supply can be compared.
    """

    def __init__(
        self,
        network: Network,
        canister_id: Principal,
        identities: Callable[[str], Identity],
        *,
        treasury: Identity,
        upgrade: Callable[[], None] | None = None,
    ) -> None:
        self.network = network
        self.canister_id = canister_id
        self.alone = Capability.SNAPSHOT in network.capabilities
        self.recorder: Callable[[str, str, str, str], None] | None = None
        """Takes each call too: caller, method, arguments, outcome."""
        self._quiet = False
        self._identities = identities
        self._identity_of_treasury = treasury
        self._treasury = Caller(self, "treasury", treasury)
        self._upgrade = upgrade
        self._names: dict[bytes, str] = {treasury.principal.raw: "treasury"}
        self.reader = self._treasury.client

    # -- what happened ----------------------------------------------------------------------------------------

    def record(self, caller: str, method: str, arguments: str, outcome: object) -> None:
        """Add one call to the record, unless the block is `unrecorded`."""
        if self._quiet:
            return
        if self.recorder is not None:
            self.recorder(caller, method, arguments, str(outcome))

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Record no call of the block: for thousands of calls, of which only the result is shown."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def written(self, args: Any) -> str:
        """Write an argument for the record: fields that are set, accounts by the name of their owner."""
        parts = []
        for name, value in args:
            if value is not None:
                shown = self._named(value) if isinstance(value, Account) else _brief(value)
                parts.append(f"{name.rstrip('_')}={shown}")
        return ", ".join(parts)

    def _named(self, account: Account) -> str:
        owner = self._names.get(account.owner.raw) or str(account.owner)
        return owner if account.subaccount is None else f"{owner}/{_brief(account.subaccount)}"

    # -- callers ----------------------------------------------------------------------------------------------

    def caller(self, name: str, *, in_bulk: bool = False) -> Caller:
        """Return the caller of that name, without tokens."""
        caller = Caller(self, name, self._identities(name), in_bulk=in_bulk)
        self._names[caller.principal.raw] = name
        return caller

    def anonymous(self) -> Caller:
        """Return the caller that does not sign."""
        caller = Caller(self, "anonymous", AnonymousIdentity())
        self._names[caller.principal.raw] = "anonymous"
        return caller

    def funded(self, name: str, amount: int | None = None, subaccount: bytes | None = None) -> Caller:
        """Return the caller of that name with `amount` more tokens (20 units by default)."""
        caller = self.caller(name)
        self.fund(caller.account(subaccount), self.unit * 20 if amount is None else amount)
        return caller

    def fund(self, account: Account, amount: int) -> None:
        """Send tokens from the treasury, or mint them. Raises `UnmetError` when the treasury has not enough."""
        before = self.balance(account)
        answer = self._treasury.transfer(account, amount)
        if not answer.ok:
            raise UnmetError(f"the treasury {self._treasury.principal} cannot fund accounts: {answer}")
        require(
            self.balance(account) == before + amount,
            f"{number(amount)} tokens were sent to an account of {number(before)}, which then has "
            f"{number(self.balance(account))}",
        )

    @cached_property
    def minter(self) -> Caller:
        """The minting account's owner, or a caller of its default account. Raises `UnmetError` when it is not known."""
        minting = self.minting
        if minting.owner != self._treasury.principal or minting.subaccount not in (None, ZERO):
            raise UnmetError(f"the suite was not given the identity of the minting account {minting.owner}")
        return self._treasury

    @cached_property
    def minter_in_bulk(self) -> Caller:
        """Return the minter with a cheaper client, for many calls of which only the effects matter."""
        return Caller(self, self.minter.name, self._identity_of_treasury, in_bulk=True)

    @cached_property
    def minting(self) -> Account:
        """The minting account. Raises `NotApplicableError` when the ledger has none."""
        account = self.reader.icrc1_minting_account()
        if account is None:
            raise NotApplicableError("the ledger has no minting account")
        self._names.setdefault(account.owner.raw, "minter")
        return account

    # -- the ledger -------------------------------------------------------------------------------------------

    @cached_property
    def fee(self) -> int:
        """The fee of a transfer."""
        return self.reader.icrc1_fee()

    @property
    def unit(self) -> int:
        """A round amount that is large beside the fee."""
        return max(10 * self.fee, 1000)

    @cached_property
    def max_memo(self) -> int:
        """The longest memo: what the metadata says, else the 32 bytes that the standard asks for."""
        entries = dict(self.reader.icrc1_metadata())
        length = getattr(entries.get("icrc1:max_memo_length"), "value", 32)
        return length if isinstance(length, int) else 32

    def balance(self, account: Account) -> int:
        """Read a balance."""
        return self.reader.icrc1_balance_of(account)

    def supply(self) -> int:
        """Read the total supply."""
        return self.reader.icrc1_total_supply()

    def allowance(self, owner: Account | Caller, spender: Account | Caller) -> Allowance:
        """Read an allowance. Raises `NotApplicableError` when the ledger has no ICRC-2."""
        args = AllowanceArgs(account=_account(owner), spender=_account(spender))
        try:
            return self.reader.icrc2_allowance(args)
        except RejectError as error:
            trap = _missing(error)
            raise BrokenError(f"icrc2_allowance trapped: {trap.text}") from error

    @cached_property
    def has_allowances(self) -> bool:
        """Whether the ledger has the methods of ICRC-2."""
        try:
            self.allowance(self._treasury, self._treasury)
        except NotApplicableError:
            return False
        return True

    # -- the network ------------------------------------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the ledger's time, or this machine's where the network does not show its own."""
        return self.network.time_ns() if Capability.TIME in self.network.capabilities else time.time_ns()

    @property
    def moves_time(self) -> bool:
        """Whether the clock of the network can be moved."""
        return Capability.TIME in self.network.capabilities

    def advance(self, seconds: int) -> None:
        """Move the clock of the network forward. Raises `UnmetError` where that cannot be done."""
        if not self.moves_time:
            raise UnmetError(f"the network {self.network.name} cannot move its clock")
        self.network.advance_time(seconds * SECOND_NS)
        self.record("network", "advance", f"{number(seconds)} s", "done")

    def upgrade(self) -> None:
        """Upgrade the ledger to the build under test. Raises `UnmetError` where that cannot be done."""
        if self._upgrade is None:
            raise UnmetError("there is no Wasm to upgrade to, or no right to install it")
        try:
            self._upgrade()
        except RejectError as error:
            raise BrokenError(f"the upgrade failed: {error}") from error
        if self.recorder is None:  # else `Target.upgrade` has recorded it
            self.record("network", "upgrade", "", "done")


def _missing(error: RejectError) -> Response:
    try:
        return read_reject(error)
    except MissingMethodError as missing:
        raise NotApplicableError(str(missing)) from error


def _brief(value: Any) -> str:
    if isinstance(value, bytes):
        return f"0x{value[:4].hex()}…({len(value)} bytes)" if len(value) > 4 else f"0x{value.hex()}"
    return number(value) if isinstance(value, int) else str(value)


def __getattr__(name: str) -> type[LedgerContext]:
    """Return `LedgerContext` for its former name, with a warning. Raises `AttributeError` for any other name."""
    if name != "Scene":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{__name__}.Scene is now LedgerContext", DeprecationWarning, stacklevel=2)
    return LedgerContext
