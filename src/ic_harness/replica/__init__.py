"""The embedded replica: a local Internet Computer that runs real canisters and speaks the real interface.

    replica = Replica(ReplicaConfig(seed=b"…"))
    replica.handle(HttpRequest(method="POST", path="/api/v3/canister/…/call", headers=…, body=…))
    server = serve(replica)                          over HTTP on loopback, server.url

What it does not model is listed in this room's README.md and refused by name.
"""

from .clock import Clock, ManualClock, SystemClock
from .config import ReplicaConfig
from .execution import ModuleFacts, ModuleInvalid, inspect_module
from .faults import Fault, Harm
from .latency import MAINNET, PRESETS, Latency, LatencyModel
from .observe import Figures, Line
from .outcalls import (
    ImmediateOutcalls,
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
    OutcallSource,
    RefusingOutcalls,
)
from .replica import PendingUpdate, Replica
from .server import RunningServer, app, serve
from .snapshots import NetworkSnapshot
from .store import StateFinding, StateReport, examine_state, salvage_state
from .wire import HttpRequest, HttpResponse
from .world import Outcall

__all__ = [
    "MAINNET",
    "PRESETS",
    "Clock",
    "Fault",
    "Figures",
    "Harm",
    "HttpRequest",
    "HttpResponse",
    "ImmediateOutcalls",
    "Latency",
    "LatencyModel",
    "Line",
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
