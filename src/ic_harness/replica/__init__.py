"""The embedded replica: a local Internet Computer that runs real canisters and speaks the real interface.

    replica = Replica(ReplicaConfig(seed=b"…"))
    replica.handle(HttpRequest(method="POST", path="/api/v3/canister/…/call", headers=…, body=…))
    server = serve(replica)                          over HTTP on loopback, server.url

What it does not model is listed in this room's README.md and refused by name.
"""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names

from .execution import (
    ModuleFacts,
    ModuleInvalid,
    ObservedMessage,
    TrapPlace,
    check_slices,
    inspect_module,
    observed,
    read_candid_pointer,
)
from .http.http_messages import HttpRequest, HttpResponse
from .replica import Replica
from .rounds.message_hook import (
    InjectedReject,
    InjectedTrap,
    InstructionLimit,
    MessageEnd,
    MessageHook,
    MessageKind,
    MessageStep,
    ReadyMessage,
)
from .rounds.metrics import ExecutionMetrics, LogLine
from .rounds.outcall_sources import (
    ImmediateOutcalls,
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
    OutcallSource,
    RefusingOutcalls,
)
from .rounds.pending_update import PendingUpdate
from .rounds.unsigned_calls import KnownCall, UnsignedCall, known_call, query_unsigned, submit_unsigned
from .state.clock import Clock, ManualClock, SystemClock
from .state.config import ReplicaConfig, Subnet
from .state.fees import CostSchedule, Fees
from .state.latency_profile import MAINNET, PRESETS, Latency
from .state.replicated_state import Outcall, Rejected
from .state.subnet_kinds import RULES as SUBNET_RULES
from .state.subnet_kinds import SubnetKind, SubnetSpec, allocate, parse_subnets, subnet_kind
from .testing.faults import Fault, FaultKind
from .testing.latency import LatencyModel
from .testing.message_hooks import set_message_hook
from .testing.network_snapshots import NetworkSnapshot
from .testing.tracked_messages import TrackedMessage, TrackingHook, management_call
from .threshold import check_key_names

if TYPE_CHECKING:
    from .server.server import RunningServer, app, listen, page_of, serve, serve_handler
    from .server.topology import SUBNET_KIND_NAMES, topology
    from .store import StateFinding, StateReport, examine_state, salvage_state
    from .testing.bitcoin import Bitcoin

__all__ = [
    "MAINNET",
    "PRESETS",
    "SUBNET_KIND_NAMES",
    "SUBNET_RULES",
    "Bitcoin",
    "Clock",
    "CostSchedule",
    "ExecutionMetrics",
    "Fault",
    "FaultKind",
    "Fees",
    "HttpRequest",
    "HttpResponse",
    "ImmediateOutcalls",
    "InjectedReject",
    "InjectedTrap",
    "InstructionLimit",
    "KnownCall",
    "Latency",
    "LatencyModel",
    "LogLine",
    "ManualClock",
    "MessageEnd",
    "MessageHook",
    "MessageKind",
    "MessageStep",
    "ModuleFacts",
    "ModuleInvalid",
    "NetworkSnapshot",
    "ObservedMessage",
    "Outcall",
    "OutcallAnswer",
    "OutcallFailure",
    "OutcallResponse",
    "OutcallSource",
    "PendingUpdate",
    "ReadyMessage",
    "RefusingOutcalls",
    "Rejected",
    "Replica",
    "ReplicaConfig",
    "RunningServer",
    "StateFinding",
    "StateReport",
    "Subnet",
    "SubnetKind",
    "SubnetSpec",
    "SystemClock",
    "TrackedMessage",
    "TrackingHook",
    "TrapPlace",
    "UnsignedCall",
    "allocate",
    "app",
    "check_key_names",
    "check_slices",
    "examine_state",
    "inspect_module",
    "known_call",
    "listen",
    "management_call",
    "observed",
    "page_of",
    "parse_subnets",
    "query_unsigned",
    "read_candid_pointer",
    "salvage_state",
    "serve",
    "serve_handler",
    "set_message_hook",
    "submit_unsigned",
    "subnet_kind",
    "topology",
]

_LAZY = (
    dict.fromkeys(("RunningServer", "app", "listen", "page_of", "serve", "serve_handler"), ".server.server")
    | dict.fromkeys(("SUBNET_KIND_NAMES", "topology"), ".server.topology")
    | dict.fromkeys(("StateFinding", "StateReport", "examine_state", "salvage_state"), ".store")
    | {"Bitcoin": ".testing.bitcoin"}
)

__getattr__ = lazy_names(__name__, _LAZY)
