"""Recordings of a network: its inputs as plain data, from the first round on, and how they run again.

For tools that show again what happened. What they need of the replica's data is here too: loading it with
`ic_harness.replica` would cost every program start-up time.
"""

from ic_harness.replica.state.clock import check_time
from ic_harness.replica.state.config import ROUND_INSTRUCTIONS, SLICE_INSTRUCTIONS, Subnet
from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Answer,
    Canister,
    FromCanister,
    FromPythonApi,
    FromUser,
    Origin,
    Rejected,
    Replied,
    Request,
    Response,
)
from ic_harness.replica.store import from_plain, to_plain

from .events import Event, NetworkSetup, PutBack, Query, Refusal, Round, StableReplaced, SubnetAdded
from .recorder import InputRecorder, without_calls
from .replay import KINDS, Answers, InputReplay, ReplayedOutcalls

__all__ = [
    "KINDS",
    "MANAGEMENT",
    "ROUND_INSTRUCTIONS",
    "SLICE_INSTRUCTIONS",
    "Answer",
    "Answers",
    "Canister",
    "Event",
    "FromCanister",
    "FromPythonApi",
    "FromUser",
    "InputRecorder",
    "InputReplay",
    "NetworkSetup",
    "Origin",
    "PutBack",
    "Query",
    "Refusal",
    "Rejected",
    "ReplayedOutcalls",
    "Replied",
    "Request",
    "Response",
    "Round",
    "StableReplaced",
    "StateImage",
    "Subnet",
    "SubnetAdded",
    "check_time",
    "from_plain",
    "to_plain",
    "without_calls",
]
