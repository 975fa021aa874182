"""The one node of the subnet: what everything that answers requests shares.

Joins scheduler, instance pool, certifier, clock, keys and journal, and publishes what a round changed: first into
the journal, then into the certified state; the round runner completes the calls that it answered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar

from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica.certification import Certified, Certifier
from ic_harness.replica.execution import QUERIES, Module, Outcome, Task, Trapped, effects
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.rounds.metrics import ROUNDS, LogLine, Observer
from ic_harness.replica.rounds.reading import Reading
from ic_harness.replica.rounds.round_runner import RoundRunner
from ic_harness.replica.rounds.scheduler import Scheduler
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.config import ReplicaConfig, Subnet
from ic_harness.replica.state.delta import MessageCost, Pages, StateDelta
from ic_harness.replica.state.replicated_state import Answer, Canister, Rejected, ReplicatedState, Request
from ic_harness.replica.state.subnet_kinds import SubnetSpec
from ic_harness.units import SECOND

T = TypeVar("T")

FRESHNESS: Final = SECOND // 2
"""How far certified state may be from the clock before a reader gets a new round."""


class Pinned(Protocol):
    """Something that holds an older replicated state, such as a snapshot of the network."""

    @property
    def state(self) -> ReplicatedState:
        """The state whose blobs are still needed."""


class Journal(Protocol):
    """Where committed rounds are kept."""

    def append(self, state: ReplicatedState, changes: StateDelta, instances: InstancePool) -> None:
        """Keep what a round changed; when this returns it survives the death of the process."""

    def pin(self, holder: Pinned) -> None:
        """Keep the blobs that the state of `holder` names, for as long as `holder` lives."""


class InputWatch(Protocol):
    """Sees what reaches the network outside of rounds, for a recording of all inputs."""

    def queried(self, node: Node, request: Request, answer: Answer) -> None:
        """A query was answered."""

    def refused(self, node: Node, request: Request, answer: Rejected) -> None:
        """The ingress filter refused a call."""

    def stable_replaced(self, node: Node, canister: Canister, content: bytes) -> None:
        """The stable memory of a canister was replaced."""

    def mark(self) -> int:
        """Return the position in the recording, for `rewind`."""

    def rewind(self, mark: int) -> None:
        """The network was put back to the state that it had at a mark."""

    def subnet_added(self, spec: SubnetSpec) -> None:
        """A subnet was added to the network."""


class UnpublishedError(Exception):
    """A canister is ahead of the certified state: the round that changed it is not published yet."""


class Node:
    """What the parts that answer requests share."""

    def __init__(
        self,
        *,
        config: ReplicaConfig,
        clock: Clock,
        subnet: Subnet,
        scheduler: Scheduler,
        certifier: Certifier,
        identity: Ed25519Identity,
        journal: Journal | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.subnet = subnet
        self.scheduler = scheduler
        self.certifier = certifier
        self.identity = identity
        self.journal = journal
        self.watch: InputWatch | None = None
        self.others: tuple[Node, ...] = ()
        """The nodes of the other subnets."""
        self.observer = Observer()
        self.observer.skip(self.state.canisters.values())
        background = clock.ticks if config.background is None else config.background
        self.runner = RoundRunner(
            scheduler, clock, self.publish, background=background, interval_s=config.round_interval_s
        )
        self.certify_everything()

    def join(self, runner: RoundRunner, observer: Observer, nodes: Sequence[Node]) -> None:
        """Leave the rounds to the runner of several subnets, and report to one observer; before the first round."""
        self.runner = runner
        self.observer.report_to(observer)
        self.others = tuple(node for node in nodes if node is not self)

    def take_neighbours(self, nodes: Sequence[Node]) -> None:
        """Certify the routing table of these nodes, this one among them, from now on; between two rounds."""
        self.others = tuple(node for node in nodes if node is not self)
        self.certifier.show_subnets([node.subnet for node in nodes])
        self.certifier.update(self.state, {}, {})

    def retire(self) -> None:
        """Give memory and threads back, because the subnet is no longer part of the network; it may return."""
        self.instances.keep_only(())
        self.scheduler.release_threads()

    def is_known_elsewhere(self, request_id: bytes) -> bool:
        """Whether another subnet of the network has taken the request with this id."""
        return any(request_id in other.state.requests for other in self.others)

    @property
    def state(self) -> ReplicatedState:
        """The replicated state."""
        return self.scheduler.state

    @property
    def instances(self) -> InstancePool:
        """The live instances."""
        return self.scheduler.instances

    @property
    def certified(self) -> Certified:
        """The certified state of the last round."""
        return self.certifier.latest

    def publish(self, changes: StateDelta) -> None:
        """Make a round known: journal, certified state."""
        if self.journal is not None:
            self.journal.append(self.state, changes, self.instances)
        self.certifier.update(
            self.state,
            {canister_id: self._state(canister_id) for canister_id in changes.canisters},
            changes.requests,
        )
        self._observe(changes)

    def _observe(self, changes: StateDelta) -> None:
        observer, canisters = self.observer, self.state.canisters
        if changes.measures:
            self._note(changes.measures, query=False)
        changed = [canisters[key] for key in sorted(changes.canisters) if key in canisters]
        printed = [canister for canister in changed if canister.next_log != observer.seen.get(canister.id, 0)]
        if printed:
            observer.read_logs(printed)

    def _note(self, measures: list[tuple[bytes, MessageCost]], *, query: bool) -> None:
        figures = self.observer.figures
        figures.rounds.append((self.state.round, measures, query))
        if len(figures.rounds) >= ROUNDS:
            figures.take_in()

    def watch_query(self, canister: Canister, what: str, outcome: Outcome) -> None:
        """Record what a query cost and printed; no canister log keeps that."""
        cost = MessageCost(what, outcome.instructions, 0, isinstance(outcome, Trapped))
        self._note([(canister.id, cost)], query=True)
        printed = effects.trap_log_lines(outcome) if isinstance(outcome, Trapped) else outcome.logs
        if printed:
            canister_id, time_ns = Principal(canister.id), self.query_time_ns()
            self.observer.tell(
                [LogLine(canister=canister_id, time_ns=time_ns, content=text) for text in printed]
            )

    def replace_state(self, state: ReplicatedState, pages: Sequence[tuple[bytes, Pages]] = ()) -> None:
        """Replace the replicated state; no round may run, and the memories must be replaced already.

        `pages` are the changes of canisters' memories for the journal; those of other canisters are written as a whole.
        """
        changes = StateDelta(
            canisters={*self.state.canisters, *state.canisters},
            requests={**dict.fromkeys(self.state.requests), **state.requests},
            outcalls={**dict.fromkeys(self.state.outcalls), **state.outcalls},
            pages=list(pages),
            replaced={*self.state.canisters, *state.canisters} - {canister_id for canister_id, _ in pages},
            streams={**dict.fromkeys(self.state.streams), **state.streams},
        )
        self.scheduler.adopt(state)
        if self.journal is not None:
            self.journal.append(state, changes, self.instances)
        self.certify_everything()
        self.observer.skip(state.canisters.values())

    def certify_everything(self) -> None:
        """Certify the whole state anew, because it was loaded or replaced."""
        states = {canister_id: self._state(canister_id) for canister_id in self.state.canisters}
        self.certifier.replace(self.state, states, dict(self.state.requests))

    def _state(self, canister_id: bytes) -> tuple[Canister, Module | None] | None:
        canister = self.state.canisters.get(canister_id)
        if canister is None:
            return None
        return canister, self.instances.module(canister) if canister.module_hash else None

    def fresh(self) -> Certified:
        """The certified state, not older than half a second and with everything done that waits."""
        self.runner.refresh(FRESHNESS, lambda: self.certified.time_ns)
        return self.certified

    @contextmanager
    def committed(self, canister: Canister) -> Iterator[bytes]:
        """Lock a canister in a state that is certified; yields its data certificate. See `data_certificate`."""
        with self.instances.lock(canister.id):
            yield self.data_certificate(canister)

    def data_certificate(self, canister: Canister) -> bytes:
        """Return the data certificate of a canister, whose lock the caller has.

        Between the commit of a message and the end of its round the certified data in the canister is newer
        than the certified one, and a witness made then would not fit. Raises `UnpublishedError` in that case.
        """
        state = self.certified
        if state.certified_data.get(canister.id) != canister.certified_data:
            raise UnpublishedError
        return state.data_certificate(canister.id)

    def run_read(self, action: Callable[[Reading], T]) -> T:
        """Run Wasm that changes nothing, on a thread for it, and wait for the result.

        Where the canister is ahead of the certified state, `action` runs again between two rounds: always waiting
        for the round that is under way could go on for ever beside a canister that never rests.

        Raises `ReplicaError` when the replica stops meanwhile.
        """
        reading = Reading(self.instances.interruption)
        task = Task(lambda: reading.run(action))
        try:
            return QUERIES.run(task)
        except UnpublishedError:
            return self.runner.call(lambda: reading.run(action))
        except BaseException:
            if task.abandoned:
                reading.abandon()
            raise

    def query_time_ns(self) -> int:
        """The time that a query sees: that of the certified state, or the clock's where that is later.

        With `round_time_queries` only the former.
        """
        if self.config.round_time_queries:
            return self.state.time_ns
        return max(self.state.time_ns, self.clock.now_ns())
