"""The rounds of several subnets as one: what the round runner drives where a network has more than one subnet.

Each subnet has its replicated state, scheduler, journal and certified state; one thread owns them all. A joint round
first moves messages along the streams between subnets (`streams`), then runs one round of every subnet at the same
time of the network, in the order of the registry, then publishes each. Nothing in it depends on how quickly a subnet
works, so the same calls at the same times lead to the same states.

A message between subnets is put into a stream in one round and inducted in the next; within a subnet all hops may
happen in one round.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.rounds import streams
from ic_harness.replica.rounds.outcall_sources import OutcallSource
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.rounds.scheduler import Kind, Scheduler
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.replicated_state import Outcall, RequestRecord

Publish = Callable[[StateDelta], None]


class JointInbox:
    """The calls from outside that wait on all subnets, as one queue."""

    def __init__(self, schedulers: Mapping[bytes, Scheduler]) -> None:
        self._schedulers = schedulers

    def append(self, incoming: IngressMessage) -> None:
        """Put a call into the queue of its subnet."""
        self._schedulers[incoming.subnet].inbox.append(incoming)

    def clear(self) -> None:
        """Drop all calls."""
        for scheduler in self._schedulers.values():
            scheduler.inbox.clear()

    def __iter__(self) -> Iterator[IngressMessage]:
        return chain.from_iterable(scheduler.inbox for scheduler in self._schedulers.values())

    def __len__(self) -> int:
        return sum(len(scheduler.inbox) for scheduler in self._schedulers.values())


class JointState:
    """What the round runner reads of the replicated states of all subnets."""

    def __init__(self, schedulers: Sequence[Scheduler]) -> None:
        self._schedulers = schedulers

    @property
    def time_ns(self) -> int:
        """The time of the last round, which is that of all subnets."""
        return max(scheduler.state.time_ns for scheduler in self._schedulers)

    @property
    def round(self) -> int:
        """The number of the last round, which is that of all subnets."""
        return max(scheduler.state.round for scheduler in self._schedulers)

    @property
    def requests(self) -> Mapping[bytes, RequestRecord]:
        """The records of signed requests of all subnets."""
        return ChainMap(*(scheduler.state.requests for scheduler in self._schedulers))

    @property
    def outcalls(self) -> Mapping[int, Outcall]:
        """The outcalls of all subnets; no two have the same number."""
        return ChainMap(*(scheduler.state.outcalls for scheduler in self._schedulers))


class JointRounds:
    """The schedulers of a network as one scheduler for the round runner."""

    def __init__(self, schedulers: Sequence[Scheduler], publish: Sequence[Publish]) -> None:
        self.schedulers = list(schedulers)
        self._by_subnet = {scheduler.subnet.id: scheduler for scheduler in schedulers}
        self._publish = list(publish)
        self._changes: list[StateDelta] = []
        self.inbox = JointInbox(self._by_subnet)
        self.state = JointState(self.schedulers)

    def select(self, subnets: Sequence[tuple[Scheduler, Publish]]) -> None:
        """Make these the subnets, each with what publishes its changes; between two rounds."""
        self.schedulers[:] = [scheduler for scheduler, _ in subnets]
        self._publish[:] = [publish for _, publish in subnets]
        self._by_subnet.clear()
        self._by_subnet.update((scheduler.subnet.id, scheduler) for scheduler in self.schedulers)

    def catch_up(self, scheduler: Scheduler) -> None:
        """Bring the scheduler of a new subnet to the round and time of the others; between two rounds."""
        scheduler.state.round, scheduler.state.time_ns = self.state.round, self.state.time_ns

    @property
    def instances(self) -> InstancePool:
        """The live instances of the root subnet; all subnets share their interruption."""
        return self.schedulers[0].instances

    @property
    def outcalls(self) -> OutcallSource:
        """The source that answers the outcalls of all subnets."""
        return self.schedulers[0].outcalls

    @property
    def heartbeats(self) -> set[bytes]:
        """The canisters with a heartbeat."""
        return set[bytes]().union(*(scheduler.heartbeats for scheduler in self.schedulers))

    def has_work(self) -> bool:
        """Whether a round would do something now, without any time passing."""
        return any(scheduler.has_work() for scheduler in self.schedulers) or streams.waiting(self._by_subnet)

    def next_event_ns(self) -> int | None:
        """When something will happen by itself; None when nothing will."""
        times = (scheduler.next_event_ns() for scheduler in self.schedulers)
        return min((time for time in times if time is not None), default=None)

    def round(self, now_ns: int, kind: Kind = Kind.ANSWERING, *, heartbeats: int = 1) -> StateDelta:
        """Run one round of every subnet; returns what the round runner needs of their changes."""
        time_ns = max(now_ns, self.state.time_ns + 1)
        before = self.state.round
        for scheduler in self.schedulers:
            # A process that was killed while it journalled a round left some subnets one round behind.
            scheduler.state.round = before
        streams.transfer(self._by_subnet)
        self._changes = [
            scheduler.round(time_ns, kind, heartbeats=heartbeats) for scheduler in self.schedulers
        ]
        joint = StateDelta()
        for changes in self._changes:
            joint.requests.update(changes.requests)
            joint.answers.update(changes.answers)
            joint.measures += changes.measures
        return joint

    def publish(self, _joint: StateDelta) -> None:
        """Publish the changes of the round of every subnet, in the order of the registry."""
        for publish, changes in zip(self._publish, self._changes, strict=True):
            publish(changes)
        self._changes = []
