"""The inputs of a network as plain data: everything that its state follows from, besides where it began.

Rounds are deterministic: the same calls in the same rounds at the same times lead to the same state and answers. So a
recording of a network is the list of its rounds with the calls that each took in, and what was done between them.
"""

from __future__ import annotations

from typing import TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.rounds.outcall_sources import OutcallFailure, OutcallResponse
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.state.config import ROUND_INSTRUCTIONS, SLICE_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import FromPythonApi, FromUser, Rejected, Replied, Request
from ic_harness.replica.state.subnet_kinds import SubnetSpec

Caller: TypeAlias = FromUser | FromPythonApi
"""The origin of a call from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSetup:
    """Where a network began: its seed (bytes), the time in ns since 1970, and its subnets; see `ReplicaConfig`."""

    seed: bytes
    start_ns: int
    nodes: int = 13
    cost_schedule: str = "normal"
    subnets: tuple[SubnetSpec, ...] | None = None
    admins: tuple[bytes, ...] = ()
    threshold_keys: tuple[str, ...] = ()
    slice_instructions: int = SLICE_INSTRUCTIONS
    round_instructions: int = ROUND_INSTRUCTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round: its time (ns), the `Kind` by name, the calls that it took in, and the calls that it answered.

    `heartbeats` is as in `Scheduler.round`; `limit` is the limit of instructions of a message that held, None for the
    network's. `outcalls` are the HTTPS outcalls that were answered in it, by number, with the responses of the nodes.
    """

    now_ns: int
    kind: str
    heartbeats: int
    calls: tuple[IngressMessage, ...] = ()
    answers: tuple[tuple[Caller, Replied | Rejected], ...] = ()
    outcalls: tuple[tuple[int, tuple[OutcallResponse | OutcallFailure, ...]], ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, asked of the node of `subnet` (bytes of its id) when the clock showed `now_ns`, and its answer."""

    subnet: bytes
    now_ns: int
    request: Request
    answer: Replied | Rejected
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that the ingress filter of `subnet` refused, so that no round took it in."""

    subnet: bytes
    now_ns: int
    request: Request
    answer: Rejected
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StableReplaced:
    """The stable memory of a canister was replaced by a test; `content` are its bytes."""

    canister: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """The network was put back to the state that it has here, which makes it look at all timers and charges anew."""

    clock_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetAdded:
    """A subnet was added to the network, behind those that there were."""

    spec: SubnetSpec


Event: TypeAlias = Round | Query | Refusal | StableReplaced | PutBack | SubnetAdded


def size_of(event: Event) -> int:
    """The bytes of an event that count for the bound of a recording: arguments, answers, contents."""
    match event:
        case Round():
            taken = sum(len(call.request.arg) for call in event.calls)
            return taken + sum(_answer_size(answer) for _, answer in event.answers)
        case Query() | Refusal():
            return len(event.request.arg) + _answer_size(event.answer)
        case StableReplaced():
            return len(event.content)
        case PutBack() | SubnetAdded():
            return 0


def _answer_size(answer: Replied | Rejected) -> int:
    return len(answer.data) if isinstance(answer, Replied) else len(answer.message)
