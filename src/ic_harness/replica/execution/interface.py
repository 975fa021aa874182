"""What the replica hands to the execution room, and what it gets back: one message as a transaction.

Interface specification, "Entry points", "Overview of imports" and "System API". Plain data, no behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.fees import FREE, Fees
from ic_harness.replica.state.replicated_state import Callback


class Mode(Enum):
    """The contexts in which canister code runs; values are the letters of "Overview of imports"."""

    START = "s"
    INIT = "I"
    PRE_UPGRADE = "G"
    POST_UPGRADE = "I*"
    UPDATE = "U"
    REPLICATED_QUERY = "RQ"
    QUERY = "NRQ"
    COMPOSITE_QUERY = "CQ"
    HTTP_TRANSFORM = "TQ"
    REPLY = "Ry"
    REJECT = "Rt"
    COMPOSITE_REPLY = "CRy"
    COMPOSITE_REJECT = "CRt"
    CLEANUP = "C"
    COMPOSITE_CLEANUP = "CC"
    INSPECT = "F"
    SYSTEM_TASK = "T"
    """Heartbeat, global timer, on_low_wasm_memory."""


_INSTALLING = frozenset({Mode.START, Mode.INIT, Mode.PRE_UPGRADE, Mode.POST_UPGRADE})
_QUERIES = frozenset({Mode.QUERY, Mode.COMPOSITE_QUERY, Mode.COMPOSITE_REPLY, Mode.COMPOSITE_REJECT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What runs: an exported function by its full name (`canister_update greet`), or a callback."""

    export: str | None = None
    callback: Callback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StableWriteLimits:
    """Bytes of stable memory, in whole pages, that one message may change; by kind of message."""

    message: int = 2 << 30
    upgrade: int = 8 << 30
    query: int = 1 << 30
    least: int = field(init=False, repr=False, compare=False)
    """The smallest of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", min(self.message, self.upgrade, self.query))

    def of(self, mode: Mode) -> int:
        """The limit in `mode`; installing counts as upgrading."""
        if mode in _INSTALLING:
            return self.upgrade
        return self.query if mode in _QUERIES else self.message


class Environment(NamedTuple):
    """Everything that a message can observe; constant while it runs.

    Cycles, bytes, nanoseconds, instructions. A named tuple, because one is made for each message: a frozen dataclass
    of so many fields takes three times as long.
    """

    mode: Mode
    caller: bytes = b""
    caller_info: bytes = b""
    caller_info_signer: bytes = b""
    arg: bytes = b""
    """The argument; in a reply callback, the reply."""
    method_name: str = ""
    """The method that inspect_message is asked about."""
    reject_code: int = 0
    reject_message: str = ""
    deadline_ns: int = 0
    time_ns: int = 0
    canister_id: bytes = b""
    subnet_id: bytes = b""
    root_key: bytes = b""
    controllers: frozenset[bytes] = frozenset()
    version: int = 0
    status: int = 1
    """1 running, 2 stopping, 3 stopped."""
    balance: int = 0
    """Cycles of the canister when the message starts."""
    liquid_balance: int = 0
    """What it may spend without freezing."""
    cycles_available: int = 0
    """Attached to the call and not yet accepted."""
    cycles_refunded: int = 0
    answered: bool = False
    """The call context has its reply or reject already."""
    may_answer: bool = True
    """False in system tasks."""
    certificate: bytes | None = None
    """The data certificate: only in a query call, and in the root of a composite query call."""
    global_timer_ns: int = 0
    call_context_instructions: int = 0
    """What earlier messages of the call context used; the base of performance_counter(1)."""
    instruction_limit: int = 40_000_000_000
    wasm_memory_limit: int = 0
    """Bytes of heap that an update may use; 0 = no limit but the memory's own."""
    stable_memory_limit: int = 500 << 30
    stable_write_limits: StableWriteLimits = StableWriteLimits()
    reply_limit: int = 2 << 20
    request_limit: int = 2 << 20
    """Bytes of method name and payload of one outgoing call (10 MiB within the subnet)."""
    queue_room: Mapping[bytes, int] = MappingProxyType({})
    """Free output slots per callee; 500 for a callee that is not named."""
    fees: Fees = FREE
    """What things cost on the subnet."""
    environment_variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call that leaves when its message succeeds.

    `timeout_s` None = guaranteed response, else best-effort. The other fields are cycles paid in advance: for the
    longest callback, for sending the call, for the largest answer.
    """

    callee: bytes
    method: str
    payload: bytes
    cycles: int
    on_reply: Callback
    on_reject: Callback
    on_cleanup: Callback | None
    timeout_s: int | None
    prepaid_callback: int = 0
    prepaid_request: int = 0
    prepaid_answer: int = 0

    @property
    def prepaid(self) -> int:
        """All cycles that the call pays in advance, besides those attached."""
        return self.prepaid_callback + self.prepaid_request + self.prepaid_answer


@dataclass(frozen=True, slots=True)
class Reply:
    """The canister replied with `data`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reject:
    """The canister rejected the call with `message` (reject code 4)."""

    message: str


class Effects(NamedTuple):
    """What a successful message asks the scheduler to do; None = unchanged."""

    answer: Reply | Reject | None = None
    calls: tuple[OutgoingCall, ...] = ()
    certified_data: bytes | None = None
    global_timer_ns: int | None = None
    cycles_accepted: int = 0
    cycles_burned: int = 0
    cycles_minted: int = 0
    accepted_message: bool = False
    """inspect_message called accept_message."""


@dataclass(slots=True, kw_only=True)
class Completed:
    """The message ran to its end; memory changes wait for `Instance.commit` or `Instance.rollback`."""

    effects: Effects
    instructions: int
    logs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trapped:
    """The message trapped; its memory changes are gone already.

    `error_code` is a number such as 502 (printed `IC0502`), `message` the `<error>` part of the reject text,
    `advice` its second sentence or "", `anchor` the place in the documentation, `backtrace` function names,
    innermost first, empty without a name section.
    """

    error_code: int
    message: str
    advice: str
    anchor: str
    backtrace: tuple[str, ...]
    instructions: int
    logs: tuple[bytes, ...]


Outcome = Completed | Trapped
