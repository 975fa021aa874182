"""One management call while it is executed, and how it is refused.

Interface specification, "The IC management canister". Handlers take a `Call`, act, and return the values of
the reply, or `DEFERRED` when the answer comes later.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, Protocol

from ic_harness import candid
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import management_interface
from ic_harness.replica.bitcoin import Chains
from ic_harness.replica.execution import CodeChange, NewCode
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.management import refusals
from ic_harness.replica.management.effects import ManagementEffects
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import (
    Canister,
    Change,
    FromCanister,
    Rejected,
    ReplicatedState,
    Request,
)


class RoundView(Protocol):
    """What a management call sees of the round in which it is executed."""

    @property
    def state(self) -> ReplicatedState:
        """The replicated state, whose records handlers change."""

    @property
    def instances(self) -> InstancePool:
        """The live instances."""

    @property
    def subnet(self) -> Subnet:
        """The identity of the subnet."""

    @property
    def memory_taken(self) -> int:
        """Bytes of memory that the subnet has given to its canisters."""

    @property
    def registry(self) -> Registry:
        """The subnets of the network."""

    @property
    def bitcoin(self) -> Chains:
        """The Bitcoin networks."""

    @property
    def since(self) -> int:
        """How many interrupts there were before the call began."""

    @property
    def most(self) -> int | None:
        """The instructions after which code that is installed goes on in the next round; None to let it run on."""


@dataclass(frozen=True, slots=True)
class InstallationEnd:
    """What the code of a long installation did, or what running it raised.

    `time_ns` is when the installation began, `wasm` the module.
    """

    code: NewCode | Exception
    wasm: bytes
    time_ns: int

    def get(self) -> NewCode:
        """Return what the code did, or raise what there was instead."""
        if isinstance(self.code, Exception):
            raise self.code
        return self.code

    def close(self) -> None:
        """Give back what a new instance holds that was not taken."""
        if isinstance(self.code, NewCode):
            self.code.close()


class LongInstallation(Exception):  # noqa: N818 - not an error: the call becomes a long one
    """An installation did not end within its first slice; nothing of it remains. `change` is what has to run."""

    def __init__(self, change: CodeChange) -> None:
        super().__init__()
        self.change = change


class ManagementReject(Exception):  # noqa: N818 — not an error of this program but an answer
    """A management call is rejected with `answer`; nothing was changed.

    A calling canister sees the text without the error code in front, unless `bare` is False.
    """

    def __init__(self, answer: Rejected, *, bare: bool = True) -> None:
        self.answer = replace(answer, bare=bare)
        super().__init__(answer.message)


class Deferred(enum.Enum):
    """The type of `DEFERRED`."""

    DEFERRED = enum.auto()


DEFERRED: Final = Deferred.DEFERRED
"""What a handler returns when its answer comes in a later round."""


@cache
def interface() -> candid.Service:
    """Return the management canister's interface."""
    return candid.parse_constant(management_interface())


def decode(method: str, arg: bytes) -> Mapping[str, Any]:
    """Decode the argument of a method: its one record, or nothing. Raises `ManagementReject` (IC0408)."""
    try:
        values = candid.decode(arg, interface().methods[method].arg_types)
    except candid.CandidError as problem:
        raise ManagementReject(refusals.invalid_argument(str(problem))) from None
    return values[0] if values else {}


def encode(method: str, values: tuple[Any, ...]) -> bytes:
    """Encode the reply of a method."""
    return candid.encode(values, interface().methods[method].return_types)


@dataclass(slots=True)
class Call:
    """A decoded management call. `cycles` are what is attached and not yet taken.

    `done` is what a long installation executed in earlier rounds.
    """

    view: RoundView
    request: Request
    argument: Mapping[str, Any]
    effects: ManagementEffects
    cycles: int = 0
    done: InstallationEnd | None = None

    @property
    def caller(self) -> bytes:
        """The user or canister that calls."""
        return self.request.caller

    @property
    def instances(self) -> InstancePool:
        """The live instances."""
        return self.view.instances

    @property
    def now_ns(self) -> int:
        """The time of the round, of a long installation that of its first round."""
        return self.view.state.time_ns if self.done is None else self.done.time_ns

    @property
    def canister(self) -> Canister:
        """The canister that the argument names. Raises `ManagementReject` (IC0301)."""
        return self.find(self.argument["canister_id"])

    def find(self, canister_id: Principal) -> Canister:
        """Find a canister by id. Raises `ManagementReject` (IC0301)."""
        found = self.view.state.canisters.get(canister_id.raw)
        if found is None:
            raise ManagementReject(refusals.canister_not_found(canister_id.raw))
        return found

    def pay(self, fee: int) -> None:
        """Take a fee from the attached cycles. Raises `ManagementReject` (IC0406) when they do not suffice."""
        if self.cycles < fee:
            raise ManagementReject(refusals.fee_not_attached(self.request.method, self.cycles, fee))
        self.cycles -= fee
        self.view.state.consumed_cycles += fee

    def changed(self, canister: Canister) -> None:
        """Note that the canister changed, for the journal and for what wakes it."""
        self.effects.changed[canister.id] = canister

    def check_version(self) -> None:
        """Check `sender_canister_version`, if given, against the caller. Raises `ManagementReject` (IC0504)."""
        claimed = self.argument.get("sender_canister_version")
        if claimed is None or not isinstance(self.request.origin, FromCanister):
            return
        if claimed != self.request.caller_version:
            raise ManagementReject(
                refusals.wrong_sender_version(claimed, self.request.caller_version), bare=False
            )

    def remember(self, canister: Canister, kind: str, **details: Any) -> None:
        """Append to the canister's history what this call does."""
        change = Change(
            time_ns=self.now_ns,
            version=canister.version,
            origin=self.caller,
            origin_version=self.argument.get("sender_canister_version"),
            by_canister=isinstance(self.request.origin, FromCanister),
            kind=kind,
            **details,
        )
        canister.remember(change)
