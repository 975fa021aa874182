"""The replica as its owner sees it: requests in, answers out, and what only a test network can do."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from ic_harness.errors import ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica.build_node import open_nodes
from ic_harness.replica.execution import Task, check_instructions, check_slices, start_thread
from ic_harness.replica.http import routes
from ic_harness.replica.http.http_messages import HttpRequest, HttpResponse
from ic_harness.replica.rounds import ingress_filter, queries
from ic_harness.replica.rounds.metrics import ExecutionMetrics, LogLine
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.outcall_sources import OutcallSource, RefusingOutcalls
from ic_harness.replica.rounds.pending_update import PendingUpdate, data_of, error_of, reply_of
from ic_harness.replica.rounds.round_limit import RoundLimit, check_rounds
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.rounds.scheduler import Kind
from ic_harness.replica.state import rejects
from ic_harness.replica.state.clock import SystemClock, check_time
from ic_harness.replica.state.config import ReplicaConfig, Subnet
from ic_harness.replica.state.replicated_state import (
    Canister,
    FromPythonApi,
    LogRecord,
    Request,
)
from ic_harness.replica.state.subnet_kinds import SubnetSpec
from ic_harness.replica.testing import network_snapshots
from ic_harness.replica.testing.faults import Faults
from ic_harness.replica.testing.latency import LatencyModel
from ic_harness.replica.testing.network_snapshots import NetworkSnapshot
from ic_harness.replica.threshold import check_key_names, keys_held

T = TypeVar("T")
Id = Principal | bytes | str
"""A principal in any form that `Principal.of` takes."""
_SETTLING = 10
"""Rounds in which a new canister may get ready: one that is never at rest is left to itself."""


class Replica:
    """An Internet Computer in this process: one subnet or several, of one node each. Thread-safe; a context manager.

    Raises `StateError` when the state folder is damaged or in use, `InputError` for names that cannot be keys', and for
    instructions that a slice or round cannot have.
    """

    def __init__(self, config: ReplicaConfig | None = None) -> None:
        self.config = config = config or ReplicaConfig()
        check_key_names(config.threshold_keys)
        check_slices(config.slice_instructions, config.round_instructions)
        self.clock = clock = config.clock or SystemClock()
        self._outcalls: OutcallSource = RefusingOutcalls()
        self._network = open_nodes(config, clock, self._outcalls)
        self.faults = Faults(self.restart)
        self.latency: LatencyModel | None = LatencyModel(config.latency) if config.latency else None
        self._limits: tuple[int | None, RoundLimit] = None, RoundLimit()
        self._restarting = threading.Lock()
        self._restarts = False
        # Open calls of earlier processes are in the state; rounds of this one have higher numbers than theirs.
        self._tickets = itertools.count((max(node.state.round for node in self.nodes.all) << 32) + 1)
        self._closed = False

    @property
    def nodes(self) -> Nodes:
        """The nodes of all subnets."""
        return self._network.nodes

    @property
    def node(self) -> Node:
        """The node of the root subnet, which is the only one by default."""
        return self._network.nodes.root

    def node_of(self, canister_id: Id) -> Node:
        """The node that is responsible for a canister id; that of the root for ids that no subnet has."""
        return self.nodes.host(Principal.of(canister_id).raw) or self.node

    def close(self) -> None:
        """Stop: running Wasm is interrupted and rolled back, state on disk is complete, instances are freed."""
        with self._restarting:
            if not self._closed:
                self._closed = True
                self._stop()

    def restart(self) -> None:
        """Stop and start again, as after a crash of the machine: what was not answered may be forgotten.

        With a state folder everything is read from it anew; without one the memory of the process takes the place of
        the disk. Network snapshots taken before do not survive a restart from disk.
        """
        with self._restarting:
            if self._closed:
                raise ReplicaError("the replica is closed")
            if not self._network.stores:
                runner = self.node.runner
                runner.call(lambda: runner.forget_calls("the replica was restarted"), urgent=True)
                return
            self._restarts = True
            self._note_subnets()  # an interrupt may have come before a restore did
            try:
                self._stop()
                self._network = open_nodes(self.config, self.clock, self._outcalls)
                self._limit(*self._limits)
            finally:
                self._restarts = False

    def _stop(self) -> None:
        whole = self.node.runner.close()
        for node in self.nodes.all:
            node.scheduler.close()
        self._network.close(whole=whole)
        for node in self.nodes.all:
            node.instances.close()

    @property
    def failure(self) -> BaseException | None:
        """What stopped the replica, such as a full disk: every call is refused from then on. None while it runs."""
        return self.node.runner.failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the Internet Computer ------------------------------------------------------------------------------

    @property
    def root_key(self) -> bytes:
        """The DER root key, 133 bytes, against which certificates are verified."""
        return self.node.subnet.root_key

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request of the HTTP interface; blocks, may be called from any thread.

        Raises `TransportError` where an ordered fault says that the request or its answer gets lost.
        """
        if not self.faults.ordered:
            return self._delayed(request)
        return self.faults.apply(request, self._delayed)

    def _delayed(self, request: HttpRequest) -> HttpResponse:
        latency = self.latency
        if latency is None:
            return self._answer(request)
        return latency.apply(request, self._answer)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if self._restarts:
            with self._restarting:  # until it is over
                pass
        return routes.handle(self.nodes, request)

    # --- without envelopes and certificates -----------------------------------------------------------------

    def execute_update(
        self,
        sender: Id,
        canister_id: Id,
        method: str,
        arg: bytes,
        *,
        timeout_s: float | None = None,
        inspect: bool = False,
        effective_id: Id | None = None,
    ) -> bytes:
        """Call a method as `sender` and return the reply; calls to `aaaaa-aa` manage canisters.

        `inspect` runs the ingress filter first, `canister_inspect_message` included, as for a signed call.
        `effective_id`, a canister or subnet id, selects the subnet where several could execute the call.

        Raises `RejectError`, and `ReplicaError` when nothing can bring the answer or the time is over.
        """
        request = self._request(sender, canister_id, method, arg)
        node = self._target(request, effective_id)
        if inspect and (refusal := ingress_filter.inspect(node, IngressMessage(request))) is not None:
            return data_of(refusal, request)
        incoming = IngressMessage(request, subnet=node.subnet.id)
        return reply_of(node.runner.perform(incoming, timeout_s), request, timeout_s)

    def submit_update(
        self,
        sender: Id,
        canister_id: Id,
        method: str,
        arg: bytes,
        *,
        inspect: bool = False,
        effective_id: Id | None = None,
    ) -> PendingUpdate:
        """Put a call into the next round without waiting; calling the result returns the reply.

        See `execute_update` for the options. Raises `RejectError` when the ingress filter refuses the call.
        """
        request = self._request(sender, canister_id, method, arg)
        node = self._target(request, effective_id)
        if inspect and (refusal := ingress_filter.inspect(node, IngressMessage(request))) is not None:
            data_of(refusal, request)
        incoming = IngressMessage(request, subnet=node.subnet.id)
        return PendingUpdate(node, request, node.runner.submit(incoming))

    def _target(self, request: Request, effective_id: Id | None = None) -> Node:
        """Return the node that executes a call. Raises `RejectError` for a canister id that no subnet has."""
        wanted = None if effective_id is None else Principal.of(effective_id).raw
        node = self.nodes.target(request, wanted)
        if node is None:
            missing = rejects.canister_not_found(wanted or request.callee)
            raise error_of(missing, request)
        return node

    def _request(self, sender: Id, canister_id: Id, method: str, arg: bytes) -> Request:
        return Request(
            origin=FromPythonApi(next(self._tickets)),
            caller=Principal.of(sender).raw,
            callee=Principal.of(canister_id).raw,
            method=method,
            arg=arg,
        )

    def execute_query(
        self, sender: Id, canister_id: Id, method: str, arg: bytes, *, effective_id: Id | None = None
    ) -> bytes:
        """Query a method as `sender` and return the reply; see `execute_update`. Raises `RejectError`."""
        request = self._request(sender, canister_id, method, arg)
        return data_of(queries.execute(self._target(request, effective_id), request), request)

    # --- time and rounds ------------------------------------------------------------------------------------

    def set_time(self, time_ns: int) -> None:
        """Make this the present time, ns since the Unix epoch. Raises `ReplicaError` for the past and after 2262."""
        check_time(time_ns)
        if time_ns < self.node.state.time_ns:
            raise ReplicaError(
                f"time goes forward only: {time_ns} ns is before the last round, {self.node.state.time_ns} ns"
            )
        self.clock.set_ns(time_ns)
        self.node.runner.reconsider()

    def advance_time(self, by_ns: int) -> None:
        """Let `by_ns` nanoseconds pass at once; due timers fire in the next round."""
        # A clock that stands still is behind the rounds, each of which takes at least a nanosecond.
        self.set_time(max(self.clock.now_ns(), self.node.state.time_ns) + by_ns)

    def tick(self, rounds: int = 1) -> None:
        """Run this many rounds now, also while rounds are held."""
        self.node.runner.tick(rounds)

    def hold(self) -> None:
        """Hold rounds: messages submitted from now on meet in the round of the next `tick`."""
        self.node.runner.hold()

    def release(self) -> None:
        """Let rounds run by themselves again."""
        self.node.runner.release()

    @property
    def is_held(self) -> bool:
        """Whether rounds are held."""
        return self.node.runner.is_held

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold rounds for the length of a `with` block."""
        with self._released():
            self.hold()
            yield

    @contextmanager
    def _released(self) -> Iterator[None]:
        """Release rounds after the block, twice: an interrupt may hit the first time."""
        try:
            try:
                yield
            finally:
                self.release()
        finally:
            self.release()

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls, each on a thread of its own, and execute the first update of each in the same round.

        The round takes as many instructions as these updates need. Raises the first error of a call after all
        have ended.
        """
        runner = self.node.runner
        running = [Task(call) for call in calls]
        ended: set[Task[T]] = set()

        def make(task: Task[T]) -> None:
            task.run()
            ended.add(task)
            runner.nudge()

        with self._released():
            runner.call(lambda: runner.set_held(held=True, gathering=True))
            for task in running:
                start_thread(make, "ic-harness-caller", task)
            runner.gather(lambda: self._submitted() + len(ended) >= len(calls))
            runner.tick(kind=Kind.GATHERED)
        for task in running:
            task.wait()
        return [task.result() for task in running]

    def _submitted(self) -> int:
        """How many calls from outside wait for a round."""
        return sum(len(node.scheduler.inbox) for node in self.nodes.all)

    def settle(self, most: int = _SETTLING) -> bool:
        """Run rounds until nothing is under way and no timer is due, at most `most`; none while rounds are held.

        Returns whether that was reached. Installing code does this, so that new canisters get ready.
        """
        return self.node.runner.settle(most)

    @contextmanager
    def limited(self, *, instructions: int | None = None, rounds: int | None = None) -> Iterator[None]:
        """Within the block limit the instructions of each message, and the rounds in which canisters execute.

        A message that exceeds the limit is rejected as by the Internet Computer (IC0522). Installing code may always
        take 5,000,000,000 instructions. The round beyond the limit fails every call that is under way with a
        `ReplicaError`. None is no further limit; a block within replaces the limits for its length.

        Raises `InputError` for a limit that is no number, not positive, or above that of the Internet Computer.
        """
        check_instructions(instructions)
        check_rounds(rounds)
        before = self._limits
        self._limit(instructions, RoundLimit(rounds))
        try:
            yield
        finally:
            self._limit(*before)

    def _limit(self, instructions: int | None, rounds: RoundLimit) -> None:
        self._limits = instructions, rounds
        self.node.instances.engine.message_limit.instructions = instructions
        self.node.runner.limit_rounds(rounds)

    def answer_outcalls(self, source: OutcallSource) -> None:
        """Let `source` answer HTTPS outcalls from now on, also those that are under way; see `OutcallSource`."""
        self._outcalls = source
        self.node.runner.call(lambda: self.nodes.take_source(source))

    def outcall_answered(self) -> None:
        """For sources, from any thread: there is an answer that was not there before."""
        with suppress(ReplicaError):  # the replica was closed meanwhile
            self.node.runner.reconsider()

    @property
    def threshold_keys(self) -> dict[str, bytes]:
        """The master public keys of the network, by their names such as `ecdsa:Secp256k1:key_1`."""
        from ic_harness.replica.threshold import MasterKeys  # lazy: start-up time  # noqa: PLC0415

        subnet = self.node.subnet
        keys = MasterKeys(subnet.network_seed)
        return {str(key): keys.master_public_key(key) for key in keys_held(self.nodes.registry.subnets)}

    # --- the whole network at once --------------------------------------------------------------------------

    def snapshot(self) -> NetworkSnapshot:
        """Remember the state of everything; costs little, and `close` it when it is no longer needed."""
        return network_snapshots.take(self.nodes, self.clock)

    def restore(self, snapshot: NetworkSnapshot) -> None:
        """Bring everything back to a snapshot, as often as wanted; subnets that were added since are gone.

        Raises `ReplicaError`.
        """
        network_snapshots.restore(snapshot, self.nodes, self.clock)
        self._note_subnets()

    def state_hash(self) -> bytes:
        """SHA-256 over the state of all canisters; the same calls at the same times give the same hash."""
        return network_snapshots.state_hash(self.nodes)

    # --- looking inside -------------------------------------------------------------------------------------

    @property
    def subnet_id(self) -> bytes:
        """The id of the subnet."""
        return self.node.subnet.id

    @property
    def round_time_ns(self) -> int:
        """The time of the last round, ns since 1970."""
        return self.node.state.time_ns

    def has_canister(self, canister_id: Id) -> bool:
        """Whether a canister with this id exists."""
        return Principal.of(canister_id).raw in self.node_of(canister_id).state.canisters

    def add_subnet(self, spec: SubnetSpec) -> Subnet:
        """Add a subnet to a network whose subnets have ranges of their own. Raises `InputError` and `ReplicaError`."""
        config, network = self.config, self._network

        def add() -> Subnet:
            added = network.add_subnet(spec, config, self.clock, self._outcalls)
            self._note_subnets()
            return added

        return self.node.runner.call(add)

    def _note_subnets(self) -> None:
        """Begin with the subnets that there are now at a restart, and in recordings."""
        if self.nodes.rounds is not None:
            self.config = replace(self.config, subnets=self._network.specs)

    def begin_ids(self, index: int) -> None:
        """Give the next canister that is created without an id of its own the id with this number."""
        state = self.node.state
        self.node.runner.call(lambda: setattr(state, "next_index", index))

    def canister(self, canister_id: Id) -> Canister:
        """The record of a canister, to look at. Raises `ReplicaError` when there is none."""
        raw = Principal.of(canister_id).raw
        found = self.node_of(raw).state.canisters.get(raw)
        if found is None:
            raise ReplicaError(f"canister {Principal(raw)} does not exist")
        return found

    def canister_ids(self) -> list[Principal]:
        """Return the ids of all canisters, those of a subnet oldest first."""
        nodes = self.nodes.all
        return self.node.runner.call(
            lambda: [Principal(raw) for node in nodes for raw in node.state.canisters]
        )

    def stable_memory(self, canister_id: Id) -> bytes:
        """The stable memory of a canister between two rounds. Raises `ReplicaError` when there is no such canister."""
        canister = self.canister(canister_id)
        instances = self.node_of(canister_id).instances
        return self.node.runner.call(lambda: network_snapshots.stable_memory(instances, canister))

    def set_stable_memory(self, canister_id: Id, content: bytes) -> None:
        """Replace the stable memory of a canister, padded to whole Wasm pages; runs one round.

        Raises `ReplicaError` when there is no such canister, it has no code, or `content` is too large.
        """
        canister = self.canister(canister_id)
        node = self.node_of(canister_id)
        node.runner.call(lambda: network_snapshots.replace_stable_memory(node, canister, bytes(content)))
        self.tick()

    def add_cycles(self, canister_id: Id, amount: int) -> int:
        """Add cycles to the balance of a canister and return the new balance; the next round publishes it.

        Raises `ReplicaError` when there is no such canister.
        """
        canister = self.canister(canister_id)

        def add() -> int:
            canister.receive(amount)
            self.node_of(canister.id).scheduler.touch(canister)
            return canister.cycles

        return self.node.runner.call(add)

    def certified_data(self, canister_id: Id) -> bytes:
        """The certified data of a canister between two rounds. Raises `ReplicaError` when there is no such canister."""
        canister = self.canister(canister_id)
        return self.node.runner.call(lambda: canister.certified_data)

    def figures(self, since: int = 0) -> tuple[int, list[ExecutionMetrics]]:
        """What the newest messages cost, and the number to ask with next time."""
        return self.node.observer.figures.since(since)

    def lines(self, since: int = 0) -> tuple[int, list[LogLine]]:
        """What all canisters printed lately, and the number to ask with next time."""
        return self.node.observer.lines.since(since)

    def on_line(self, listener: Callable[[LogLine], None]) -> Callable[[], None]:
        """Call `listener` with each line that a canister prints, from the thread that runs the round.

        Returns a function that ends this. The listener must be quick and must not call the replica.
        """
        listeners = self.node.observer.listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def logs(self, canister_id: Id) -> list[LogRecord]:
        """What a canister printed, and why it trapped; the newest `log_memory_limit` bytes."""
        return list(self.canister(canister_id).logs)
