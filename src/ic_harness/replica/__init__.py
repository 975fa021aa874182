"""The embedded replica: a local Internet Computer that runs real canisters and speaks the real interface.

    replica = Replica(ReplicaConfig(seed=b"…"))
    replica.handle(HttpRequest(method="POST", path="/api/v3/canister/…/call", headers=…, body=…))
    server = serve(replica)                          over HTTP on loopback, server.url

What it does not model is listed in this room's README.md and refused by name.
"""

from .execution import ModuleFacts, ModuleInvalid, inspect_module
from .http.http_messages import HttpRequest, HttpResponse
from .replica import PendingUpdate, Replica
from .rounds.metrics import ExecutionMetrics, LogLine
from .rounds.outcall_sources import (
    ImmediateOutcalls,
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
    OutcallSource,
    RefusingOutcalls,
)
from .server.server import RunningServer, app, serve
from .state.clock import Clock, ManualClock, SystemClock
from .state.config import ReplicaConfig
from .state.latency_profile import MAINNET, PRESETS, Latency
from .state.replicated_state import Outcall
from .store import StateFinding, StateReport, examine_state, salvage_state
from .testing.faults import Fault, FaultKind
from .testing.latency import LatencyModel
from .testing.network_snapshots import NetworkSnapshot

__all__ = [
    "MAINNET",
    "PRESETS",
    "Clock",
    "ExecutionMetrics",
    "Fault",
    "FaultKind",
    "HttpRequest",
    "HttpResponse",
    "ImmediateOutcalls",
    "Latency",
    "LatencyModel",
    "LogLine",
    "ManualClock",
    "ModuleFacts",
    "ModuleInvalid",
    "NetworkSnapshot",
    "Outcall",
    "OutcallAnswer",
    "OutcallFailure",
    "OutcallResponse",
    "OutcallSource",
    "PendingUpdate",
    "RefusingOutcalls",
    "Replica",
    "ReplicaConfig",
    "RunningServer",
    "StateFinding",
    "StateReport",
    "SystemClock",
    "app",
    "examine_state",
    "inspect_module",
    "salvage_state",
    "serve",
]
