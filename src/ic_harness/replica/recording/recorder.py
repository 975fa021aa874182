"""A recording of everything that reaches a network, from its first round on.

The recorder sits between the round runner and the scheduler, and keeps of each round its time and the calls that it
took in. Nothing of the state is kept. When the network is put back to a snapshot the recording is cut off where that
was taken, so that it is always the straight way from the empty network to the present state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ic_harness.errors import InputError
from ic_harness.replica.recording.events import (
    Caller,
    Event,
    NetworkSetup,
    PutBack,
    Query,
    Refusal,
    Round,
    StableReplaced,
    SubnetAdded,
    size_of,
)
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.outcall_sources import OutcallAnswer, OutcallSource
from ic_harness.replica.rounds.scheduler import Kind
from ic_harness.replica.state.config import ReplicaConfig
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.replicated_state import (
    Answer,
    Canister,
    FromPythonApi,
    FromUser,
    Outcall,
    Rejected,
    Request,
)
from ic_harness.replica.state.subnet_kinds import SubnetSpec

MAX_EVENTS: Final = 200_000
MAX_BYTES: Final = 512 << 20


class InputRecorder:
    """The recording of a network whose first round is still to come. Threads may add to it at the same time.

    `events` and `bytes` are bounded; beyond, `overflow` is set and nothing is kept until the network is put back to
    a snapshot from before. Raises `InputError` for a network that has run already.
    """

    def __init__(self, nodes: Nodes, config: ReplicaConfig) -> None:
        if any(node.state.round or node.state.canisters for node in nodes.all):
            raise InputError(
                "a history begins with the network: this one has run already. Record from the start, by "
                "embedded(history=True)"
            )
        root = nodes.root
        self.setup = NetworkSetup(
            seed=root.subnet.network_seed,
            start_ns=root.state.time_ns,
            nodes=config.nodes,
            cost_schedule=config.cost_schedule.value,
            subnets=config.subnets,
            admins=tuple(admin.raw for admin in config.subnet_admins),
            threshold_keys=config.threshold_keys,
            slice_instructions=config.slice_instructions,
            round_instructions=config.round_instructions,
        )
        self.events: list[Event] = []
        self.overflow = ""
        self.changed = 0
        """Counts how often the recording was cut off, so that a reader knows when to begin anew."""
        self.max_events, self.max_bytes = MAX_EVENTS, MAX_BYTES
        self._sizes: list[int] = [0]
        self._nodes = nodes
        self._outcalls: list[tuple[int, tuple[OutcallAnswer, ...]]] = []
        runner = root.runner
        self._run = runner.run_round
        runner.call(lambda: setattr(runner, "run_round", self.round))
        for node in nodes.all:
            node.watch = self

    # --- rounds ---------------------------------------------------------------------------------------------

    def round(self, now_ns: int, kind: Kind = Kind.ANSWERING, *, heartbeats: int = 1) -> StateDelta:
        """Run a round and record it."""
        calls = tuple(call for node in self._nodes.all for call in node.scheduler.inbox)
        for node in self._nodes.all:
            if not isinstance(node.scheduler.outcalls, RecordedOutcalls):
                node.scheduler.outcalls = RecordedOutcalls(node.scheduler.outcalls, self._outcalls)
        limit = self._limit()
        changes = self._run(now_ns, kind, heartbeats=heartbeats)
        outcalls = tuple(self._outcalls)
        self._outcalls.clear()
        self._add(
            Round(
                now_ns=now_ns,
                kind=kind.name,
                heartbeats=heartbeats,
                calls=calls,
                answers=answers_of(changes),
                outcalls=outcalls,
                limit=limit,
            )
        )
        return changes

    def _limit(self) -> int | None:
        return self._nodes.root.instances.engine.message_limit.instructions

    def _add(self, event: Event) -> None:
        size = self._sizes[-1] + size_of(event)
        if not self.overflow and (len(self.events) >= self.max_events or size > self.max_bytes):
            self.overflow = (
                f"the history ended at event {len(self.events):,}: it is bounded to {self.max_events:,} events and "
                f"{self.max_bytes >> 20} MiB of arguments and answers"
            )
        if not self.overflow:
            self._sizes.append(size)
            self.events.append(event)

    # --- what the node reports ------------------------------------------------------------------------------

    def queried(self, node: Node, request: Request, answer: Answer) -> None:
        """Record a query."""
        now, limit = node.clock.now_ns(), self._limit()
        self._add(Query(subnet=node.subnet.id, now_ns=now, request=request, answer=answer, limit=limit))

    def refused(self, node: Node, request: Request, answer: Rejected) -> None:
        """Record a call that the ingress filter refused."""
        now, limit = node.clock.now_ns(), self._limit()
        self._add(Refusal(subnet=node.subnet.id, now_ns=now, request=request, answer=answer, limit=limit))

    def stable_replaced(self, node: Node, canister: Canister, content: bytes) -> None:
        """Record that a test replaced a stable memory."""
        del node
        self._add(StableReplaced(canister=canister.id, content=content))

    def subnet_added(self, spec: SubnetSpec) -> None:
        """Record that a subnet was added."""
        self._add(SubnetAdded(spec=spec))

    def mark(self) -> int:
        """Return the position, for `rewind`."""
        return len(self.events)

    def rewind(self, mark: int) -> None:
        """Cut the recording off at a mark."""
        if mark > len(self.events):
            return  # of a snapshot that was taken after the recording had ended
        self.overflow = ""
        del self.events[mark:], self._sizes[mark + 1 :]
        self.changed += 1
        self._add(PutBack(clock_ns=self._nodes.root.clock.now_ns()))


class RecordedOutcalls:
    """A source of outcalls in front of another one, which keeps the answers that are taken."""

    def __init__(self, source: OutcallSource, taken: list[tuple[int, tuple[OutcallAnswer, ...]]]) -> None:
        self._source = source
        self._taken = taken

    def begin(self, outcall: Outcall) -> None:
        """See `OutcallSource`."""
        self._source.begin(outcall)

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return self._source.answered()

    def answers(self, number: int) -> tuple[OutcallAnswer, ...]:
        """See `OutcallSource`."""
        found = self._source.answers(number)
        self._taken.append((number, found))
        return found

    def forget(self, number: int) -> None:
        """See `OutcallSource`."""
        self._source.forget(number)

    def working(self) -> bool:
        """See `OutcallSource`."""
        return self._source.working()

    def replaced(self) -> None:
        """See `OutcallSource`."""
        self._source.replaced()


def answers_of(changes: StateDelta) -> tuple[tuple[Caller, Answer], ...]:
    """Return the calls from outside that a round has answered."""
    found: list[tuple[Caller, Answer]] = [
        (FromPythonApi(ticket), answer) for ticket, answer in changes.answers.items()
    ]
    found += [
        (FromUser(request_id), record.answer)
        for request_id, record in changes.requests.items()
        if record is not None and record.answer is not None
    ]
    return tuple(found)


def without_calls(event: Round, kept: set[int]) -> Round:
    """Return a round with only those of its calls whose places are in `kept`."""
    return replace(event, calls=tuple(call for place, call in enumerate(event.calls) if place in kept))
