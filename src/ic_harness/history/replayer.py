"""A network of its own on which a recording runs again."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ic_harness.principal import Principal
from ic_harness.replica import CostSchedule, ManualClock, NetworkSnapshot, Replica, ReplicaConfig
from ic_harness.replica.recording import Answers, Event, InputReplay, NetworkSetup, ReplayedOutcalls


def open_replica(setup: NetworkSetup) -> Replica:
    """Open a network as it was when a recording began; its clock stands still, and no round runs by itself.

    Raises `InputError` for subnets that cannot be.
    """
    return Replica(
        ReplicaConfig(
            seed=setup.seed,
            clock=ManualClock(setup.start_ns),
            background=False,
            nodes=setup.nodes,
            cost_schedule=CostSchedule(setup.cost_schedule),
            subnets=setup.subnets,
            subnet_admins=tuple(map(Principal, setup.admins)),
            threshold_keys=setup.threshold_keys,
            slice_instructions=setup.slice_instructions,
            round_instructions=setup.round_instructions,
        )
    )


class Replayer:
    """Runs the events of a recording; a context manager, which closes its network."""

    def __init__(self, setup: NetworkSetup) -> None:
        self.replica = open_replica(setup)
        outcalls = ReplayedOutcalls()
        self.replica.answer_outcalls(outcalls)
        self._replay = InputReplay(self.replica.nodes, self.replica.clock, outcalls, self.replica.add_subnet)

    def run(self, event: Event) -> Answers:
        """Run one event; returns the calls that it answered. Raises `ReplicaError` when the network stops."""
        return self._replay.run(event)

    def run_all(self, events: Sequence[Event]) -> list[Answers]:
        """Run events; returns for each the calls that it answered."""
        return [self._replay.run(event) for event in events]

    def snapshot(self) -> NetworkSnapshot:
        """Remember the present state."""
        return self._replay.snapshot()

    def restore(self, snapshot: NetworkSnapshot) -> None:
        """Go back to a snapshot."""
        self._replay.restore(snapshot)

    def close(self) -> None:
        """Close the network."""
        self.replica.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
