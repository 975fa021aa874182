"""Running a recording again, event by event, on a network of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.replica.recording.events import (
    Caller,
    Event,
    PutBack,
    Query,
    Refusal,
    Round,
    StableReplaced,
    SubnetAdded,
)
from ic_harness.replica.recording.recorder import answers_of
from ic_harness.replica.rounds import ingress_filter, queries
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.outcall_sources import ImmediateOutcalls, OutcallAnswer, refused
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.rounds.scheduler import Kind
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.replicated_state import Answer, Outcall
from ic_harness.replica.state.subnet_kinds import SubnetSpec
from ic_harness.replica.testing import network_snapshots
from ic_harness.replica.testing.network_snapshots import NetworkSnapshot

Answers = tuple[tuple[Caller, Answer], ...]
KINDS: Final = {kind.name: kind for kind in Kind}


class ReplayedOutcalls(ImmediateOutcalls):
    """Answers outcalls as they were answered when the network was recorded, in the same rounds."""

    def __init__(self) -> None:
        super().__init__(self._recorded)
        self.now: dict[int, tuple[OutcallAnswer, ...]] = {}
        """What is answered in the present round, by number."""

    def answered(self) -> list[int]:
        """See `OutcallSource`."""
        return [number for number in super().answered() if number in self.now]

    def _recorded(self, outcall: Outcall) -> tuple[OutcallAnswer, ...]:
        return self.now.get(outcall.number) or (refused(outcall),)


class InputReplay:
    """Runs events on nodes whose clock stands still and which run no rounds by themselves; `add_subnet` adds one."""

    def __init__(
        self,
        nodes: Nodes,
        clock: Clock,
        outcalls: ReplayedOutcalls,
        add_subnet: Callable[[SubnetSpec], object],
    ) -> None:
        self._nodes = nodes
        self._add_subnet = add_subnet
        self._clock = clock
        self._outcalls = outcalls
        self._answers: Answers = ()
        runner = nodes.root.runner
        self._run = runner.run_round
        runner.call(lambda: setattr(runner, "run_round", self._round))

    def run(self, event: Event) -> Answers:
        """Run an event; returns the calls that it answered. Raises `ReplicaError` when the network stops."""
        match event:
            case Round():
                return self._run_round(event)
            case Query():
                node = self._prepared(event.subnet, event.now_ns, event.limit)
                return ((event.request.origin, queries.execute(node, event.request)),)  # type: ignore[return-value]
            case Refusal():
                node = self._prepared(event.subnet, event.now_ns, event.limit)
                refusal = ingress_filter.inspect(node, IngressMessage(event.request))
                return () if refusal is None else ((event.request.origin, refusal),)  # type: ignore[return-value]
            case StableReplaced():
                self._replace_stable(event)
            case SubnetAdded():
                self._add_subnet(event.spec)
            case PutBack():
                self._clock.set_ns(event.clock_ns)
                here = self.snapshot()
                self.restore(here)
                here.close()
        return ()

    def snapshot(self) -> NetworkSnapshot:
        """Remember the present state."""
        return network_snapshots.take(self._nodes, self._clock)

    def restore(self, snapshot: NetworkSnapshot) -> None:
        """Go back to a snapshot."""
        network_snapshots.restore(snapshot, self._nodes, self._clock)

    def _prepared(self, subnet: bytes, now_ns: int, limit: int | None) -> Node:
        self._clock.set_ns(now_ns)
        self._set_limit(limit)
        return self._nodes.find(subnet) or self._nodes.root

    def _set_limit(self, limit: int | None) -> None:
        self._nodes.root.instances.engine.message_limit.instructions = limit

    def _run_round(self, event: Round) -> Answers:
        runner = self._nodes.root.runner
        self._prepared(b"", event.now_ns, event.limit)
        self._outcalls.now = dict(event.outcalls)
        runner.call(lambda: self._submit(event))
        runner.tick(kind=KINDS[event.kind], heartbeats=event.heartbeats)
        return self._answers

    def _submit(self, event: Round) -> None:
        for call in event.calls:
            node = self._nodes.find(call.subnet) or self._nodes.target(call.request) or self._nodes.root
            node.scheduler.inbox.append(call)

    def _round(self, now_ns: int, kind: Kind = Kind.ANSWERING, *, heartbeats: int = 1) -> StateDelta:
        changes = self._run(now_ns, kind, heartbeats=heartbeats)
        self._answers = answers_of(changes)
        return changes

    def _replace_stable(self, event: StableReplaced) -> None:
        node = self._nodes.host(event.canister) or self._nodes.root
        canister = node.state.canisters.get(event.canister)
        if canister is not None:
            runner = node.runner
            runner.call(lambda: network_snapshots.replace_stable_memory(node, canister, event.content))
