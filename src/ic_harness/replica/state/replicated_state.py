"""The replicated state: everything that the subnet remembers, as plain data.

Interface specification, "Abstract behavior", "Abstract canisters" and "The system state". Nothing here
acts; behaviour lives in `rounds/`, `execution/effects` and `management/`. What can be shared between two
copies of the state is frozen, what changes (`ReplicatedState`, `Canister`, `CallContext`) is copied by `copy()`.

Not here: the memory of canisters (`execution.instances.InstancePool` holds the live Wasm), and modules, chunks and
snapshot memories, which are named by the SHA-256 of their content and are in `store.blobs`.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import field, replace
from typing import ClassVar, Final, TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.units import MAX_CYCLES, TRILLION

MANAGEMENT: Final = b""
"""The principal of the management canister, `aaaaa-aa`."""

LOG_RECORD_BYTES: Final = 20
"""What a log record takes besides its content: index (8), time (8), length (4)."""

HISTORY_LENGTH: Final = 20
"""Entries of a canister's history that are kept; the specification asks for twenty."""


# --- answers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replied:
    """A call was answered with `data`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A call was rejected: reject code 1 to 6, text, and the number in `IC0…`.

    `bare`: a calling canister sees the text as it is; otherwise the error code precedes it (`IC0503: …`). Bare
    are the canister's own rejects, those of the management canister, and those of message routing.
    """

    code: int
    message: str
    error_code: int
    bare: bool = False

    @property
    def error_name(self) -> str:
        """The error code as clients see it: `IC0503`."""
        return f"IC{self.error_code:04}"


Answer: TypeAlias = Replied | Rejected


# --- origins of calls --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FromUser:
    """The call came as a signed request; the answer goes into the certified state."""

    request_id: bytes


@dataclass(frozen=True, slots=True)
class FromPythonApi:
    """The call came through the Python API of the test network; `ticket` numbers the calls."""

    STORED_AS: ClassVar[str] = "FromHost"

    ticket: int


@dataclass(frozen=True, slots=True)
class FromCanister:
    """The call came from a canister, which keeps a `PendingCall` under this number."""

    canister: bytes
    call: int


@dataclass(frozen=True, slots=True)
class FromSystem:
    """Heartbeat, timer or low-memory hook: no caller waits."""


Origin: TypeAlias = FromUser | FromPythonApi | FromCanister | FromSystem


# --- messages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call on its way to `callee` (bytes of a principal; `MANAGEMENT` for aaaaa-aa).

    `deadline_ns` 0 means a guaranteed response, otherwise the call is a best-effort one. `caller_version` is the
    version of the calling canister when it made the call, 0 for users.
    """

    origin: Origin
    caller: bytes
    callee: bytes
    method: str
    arg: bytes
    cycles: int = 0
    deadline_ns: int = 0
    caller_info: bytes = b""
    caller_info_signer: bytes = b""
    caller_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer on its way back to canister `to`; `refund` are the cycles that were not accepted."""

    to: bytes
    call: int
    answer: Answer
    refund: int = 0


Message: TypeAlias = Request | Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The messages of a subnet for one other subnet, and how far it has taken that subnet's messages for it.

    Messages are numbered from 0; `begin` is the number of the first one that is kept, `taken` the number of the
    next message to take.
    """

    begin: int = 0
    messages: tuple[Message, ...] = ()
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Callback:
    """A closure of the canister: `function` is a table index, `environment` is handed to it."""

    function: int
    environment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCall:
    """A call that a canister made and that is not answered yet, with the closures that wait for it.

    `prepaid_callback` and `prepaid_answer` are the cycles paid in advance for the longest callback and the largest
    answer; what they turn out not to cost is paid back.
    """

    context: int
    callee: bytes
    on_reply: Callback
    on_reject: Callback
    on_cleanup: Callback | None = None
    cycles: int = 0
    deadline_ns: int = 0
    prepaid_callback: int = 0
    prepaid_answer: int = 0


@dataclass(slots=True, kw_only=True)
class CallContext:
    """A call that a canister has begun to serve. `outstanding` counts its own calls without an answer."""

    number: int
    origin: Origin
    caller: bytes
    cycles_available: int = 0
    deadline_ns: int = 0
    answered: bool = False
    outstanding: int = 0
    instructions: int = 0
    caller_info: bytes = b""
    caller_info_signer: bytes = b""
    abandoned: bool = False  # the code that served it was uninstalled


# --- canisters ---------------------------------------------------------------------------------------------


class Status(enum.IntEnum):
    """Whether a canister takes calls; the numbers are those of `ic0.canister_status`."""

    RUNNING = 1
    STOPPING = 2
    STOPPED = 3


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who may read logs, snapshots or the status: `kind` is controllers, public or allowed_viewers."""

    kind: str = "controllers"
    viewers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a canister, with the specification's defaults (`definite_canister_settings`)."""

    controllers: tuple[bytes, ...] = ()
    compute_allocation: int = 0
    memory_allocation: int = 0
    freezing_threshold: int = 2_592_000
    reserved_cycles_limit: int = 5 * TRILLION
    minimum_incoming_canister_call_cycles: int = 0
    log_visibility: Visibility = Visibility()
    log_memory_limit: int = 4096
    snapshot_visibility: Visibility = Visibility()
    status_visibility: Visibility = Visibility()
    wasm_memory_limit: int = 3 << 30
    wasm_memory_threshold: int = 0
    environment_variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line that a canister printed, or the text of a trap."""

    index: int
    time_ns: int
    content: bytes

    @property
    def size(self) -> int:
        """The bytes of the log's memory that the record takes."""
        return LOG_RECORD_BYTES + len(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a canister's history, as canister_info returns it.

    `kind` is the tag of the specification's `change_details`; the other fields are those of its payload.
    """

    time_ns: int
    version: int
    origin: bytes
    origin_version: int | None
    by_canister: bool
    kind: str
    controllers: tuple[bytes, ...] = ()
    module_hash: bytes = b""
    mode: str = ""
    snapshot_id: bytes = b""
    snapshot_version: int = 0
    snapshot_time_ns: int = 0
    snapshot_uploaded: bool = False
    snapshot_from: bytes = b""  # the canister that the snapshot belongs to, where it is another one
    renamed_from: bytes = b""
    renamed_to: bytes = b""
    renamed_changes: tuple[int, int] = (0, 0)  # changes before, of the canister and of the one it becomes
    renamed_version: int = 0
    requested_by: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotUpload:
    """What was uploaded of a snapshot: the declared sizes in bytes, and content as numbered blobs.

    Content comes in segments of `SNAPSHOT_SEGMENT` bytes, the last one of a region is shorter; a missing one is zeros.
    `global_timer_ns` (0: inactive) and `low_memory_hook` are None where the metadata left them out.
    """

    module_size: int
    heap_size: int
    stable_size: int
    global_kinds: tuple[str, ...] = ()
    module: tuple[tuple[int, bytes], ...] = ()
    heap: tuple[tuple[int, bytes], ...] = ()
    stable: tuple[tuple[int, bytes], ...] = ()
    global_timer_ns: int | None = None
    low_memory_hook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A canister snapshot: its module and memories are blobs named by hash, or those of an `upload`."""

    id: bytes
    taken_ns: int
    canister_version: int
    module_hash: bytes
    certified_data: bytes
    global_timer_ns: int
    heap: bytes
    stable: bytes
    globals_: bytes
    chunks: tuple[tuple[bytes, int], ...]
    size: int
    low_memory_hook: str = "unmet"
    uploaded: bool = False
    upload: SnapshotUpload | None = None

    @property
    def blobs(self) -> set[bytes]:
        """The hashes of all blobs that the snapshot needs, chunks included."""
        named = {self.module_hash, self.heap, self.stable, *(digest for digest, _ in self.chunks)}
        if self.upload is not None:
            for segments in (self.upload.module, self.upload.heap, self.upload.stable):
                named |= {digest for _, digest in segments}
        return named - {b""}


@dataclass(slots=True, kw_only=True)
class Canister:
    """One canister without its memory. `module_hash` is empty when no code is installed.

    `memory_used` are all bytes that storage is charged for, `charged_ns` the time until which it is paid (0: not yet).
    """

    id: bytes
    settings: Settings
    created_ns: int
    cycles: int = 0
    status: Status = Status.RUNNING
    version: int = 0
    module_hash: bytes = b""
    installed_ns: int = 0
    certified_data: bytes = b""
    global_timer_ns: int = 0
    low_memory_hook: str = "unmet"  # unmet, ready or executed
    queue: deque[Message] = field(default_factory=deque)
    contexts: dict[int, CallContext] = field(default_factory=dict)
    calls: dict[int, PendingCall] = field(default_factory=dict)
    stop_waiters: list[tuple[Request, int]] = field(default_factory=list)
    next_number: int = 0
    logs: list[LogRecord] = field(default_factory=list)
    next_log: int = 0
    history: list[Change] = field(default_factory=list)
    changes: int = 0
    chunks: dict[bytes, int] = field(default_factory=dict)  # hash -> size
    snapshots: dict[bytes, Snapshot] = field(default_factory=dict)
    next_snapshot: int = 0
    queries: int = 0
    query_instructions: int = 0
    query_bytes_in: int = 0
    query_bytes_out: int = 0
    cycles_burned: int = 0
    reserved_cycles: int = 0
    memory_used: int = 0
    charged_ns: int = 0
    outcall_cycles: int = 0

    @property
    def installed(self) -> bool:
        """Whether the canister has a Wasm module."""
        return bool(self.module_hash)

    def receive(self, cycles: int) -> None:
        """Add cycles to the balance, which saturates at 128 bits."""
        self.cycles = min(self.cycles + cycles, MAX_CYCLES)

    def remember(self, change: Change) -> None:
        """Append to the history, which keeps its last twenty entries."""
        self.history = [*self.history[1 - HISTORY_LENGTH :], change]
        self.changes += 1

    def copy(self) -> Canister:
        """Return an independent copy; frozen parts are shared."""
        return replace(
            self,
            queue=deque(self.queue),
            contexts={number: replace(context) for number, context in self.contexts.items()},
            calls=dict(self.calls),
            stop_waiters=list(self.stop_waiters),
            logs=list(self.logs),
            history=list(self.history),
            chunks=dict(self.chunks),
            snapshots=dict(self.snapshots),
        )


# --- requests of users -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What is known of a signed call: the content of `/request_status/<id>` and who may read it.

    `answer` is None while the request is processing. `forget_ns` is when the record may go.
    """

    sender: bytes
    effective_id: bytes
    canister: bytes
    forget_ns: int
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcall:
    """An HTTPS outcall that is under way: what a canister asked for, and how its answer is treated.

    `cycles` are returned with the answer; `transform` is the name of the canister's query that cleans responses.
    One that is not `replicated` is made by one node. A flexible one is made by `nodes`, of which `min_responses` to
    `max_responses` responses are returned.
    """

    number: int
    origin: Origin
    canister: bytes
    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    max_response_bytes: int
    transform: str | None
    context: bytes
    cycles: int
    deadline_ns: int
    replicated: bool = True
    nodes: int = 0
    min_responses: int = 0
    max_responses: int = 0

    @property
    def flexible(self) -> bool:
        """Whether the canister asked for the responses of several nodes, which need not agree."""
        return self.nodes > 0


@dataclass(slots=True, kw_only=True)
class ReplicatedState:
    """The whole state. `time_ns` is the time of the last round; on disk it is named `World`."""

    STORED_AS: ClassVar[str] = "World"

    time_ns: int
    round: int = 0
    canisters: dict[bytes, Canister] = field(default_factory=dict)
    requests: dict[bytes, RequestRecord] = field(default_factory=dict)
    management_queue: deque[Request] = field(default_factory=deque)
    next_index: int = 0
    random_counter: int = 0
    updates: int = 0
    consumed_cycles: int = 0
    outcalls: dict[int, Outcall] = field(default_factory=dict)
    next_outcall: int = 0
    streams: dict[bytes, Stream] = field(default_factory=dict)  # by the id of the other subnet

    def copy(self) -> ReplicatedState:
        """Return an independent copy; frozen parts are shared."""
        return replace(
            self,
            canisters={canister_id: canister.copy() for canister_id, canister in self.canisters.items()},
            requests=dict(self.requests),
            management_queue=deque(self.management_queue),
            outcalls=dict(self.outcalls),
            streams=dict(self.streams),
        )
