"""The replica as its owner sees it: requests in, answers out, and what only a test network can do."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from ic_harness.errors import RejectError, ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica.build_node import open_node
from ic_harness.replica.execution import Task, start_thread
from ic_harness.replica.http import routes
from ic_harness.replica.http.http_messages import HttpRequest, HttpResponse
from ic_harness.replica.rounds import queries
from ic_harness.replica.rounds.completions import Completion
from ic_harness.replica.rounds.metrics import ExecutionMetrics, LogLine
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.outcall_sources import OutcallSource, RefusingOutcalls
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.rounds.scheduler import Kind
from ic_harness.replica.state.clock import SystemClock, check_time
from ic_harness.replica.state.config import ReplicaConfig
from ic_harness.replica.state.replicated_state import (
    Answer,
    Canister,
    FromPythonApi,
    LogRecord,
    Rejected,
    Request,
)
from ic_harness.replica.testing import network_snapshots
from ic_harness.replica.testing.faults import Faults
from ic_harness.replica.testing.latency import LatencyModel
from ic_harness.replica.testing.network_snapshots import NetworkSnapshot
from ic_harness.replica.threshold import KEYS, MasterKeys

T = TypeVar("T")
Id = Principal | bytes | str
"""A principal in any form that `Principal.of` takes."""
_SETTLING = 10
"""Rounds in which a new canister may get ready: one that is never at rest is left to itself."""


class Replica:
    """An Internet Computer of one subnet and one node in this process. Thread-safe; a context manager.

    Raises `StateError` when the state folder is damaged or in use.
    """

    def __init__(self, config: ReplicaConfig | None = None) -> None:
        self.config = config = config or ReplicaConfig()
        self.clock = clock = config.clock or SystemClock()
        self._outcalls: OutcallSource = RefusingOutcalls()
        self.node, self._store = open_node(config, clock, self._outcalls)
        self.faults = Faults(self.restart)
        self.latency: LatencyModel | None = LatencyModel(config.latency) if config.latency else None
        self._restarting = threading.Lock()
        self._restarts = False
        # Open calls of earlier processes are in the state; rounds of this one have higher numbers than theirs.
        self._tickets = itertools.count((self.node.state.round << 32) + 1)
        self._closed = False

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
            if self._store is None:
                runner = self.node.runner
                runner.call(lambda: runner.forget_calls("the replica was restarted"), urgent=True)
                return
            self._restarts = True
            try:
                self._stop()
                self.node, self._store = open_node(self.config, self.clock, self._outcalls)
            finally:
                self._restarts = False

    def _stop(self) -> None:
        whole = self.node.runner.close()
        self.node.scheduler.close()
        if self._store is not None:
            self._store.close(self.node.state if whole else None, self.node.instances)
        self.node.instances.close()

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
        return routes.handle(self.node, request)

    # --- without envelopes and certificates -----------------------------------------------------------------

    def execute_update(
        self, sender: Id, canister_id: Id, method: str, arg: bytes, *, timeout_s: float | None = None
    ) -> bytes:
        """Call a method as `sender` and give the reply; calls to `aaaaa-aa` manage canisters.

        Goes past the ingress filter, so canister_inspect_message is not asked.

        Raises `RejectError`, and `ReplicaError` when nothing can bring the answer or the time is over.
        """
        request = self._request(sender, canister_id, method, arg)
        return _reply(self.node.runner.perform(IngressMessage(request), timeout_s), request, timeout_s)

    def submit_update(self, sender: Id, canister_id: Id, method: str, arg: bytes) -> PendingUpdate:
        """Put a call into the next round without waiting; calling the result returns the reply."""
        request = self._request(sender, canister_id, method, arg)
        return PendingUpdate(self.node, request, self.node.runner.submit(IngressMessage(request)))

    def _request(self, sender: Id, canister_id: Id, method: str, arg: bytes) -> Request:
        return Request(
            origin=FromPythonApi(next(self._tickets)),
            caller=Principal.of(sender).raw,
            callee=Principal.of(canister_id).raw,
            method=method,
            arg=arg,
        )

    def execute_query(self, sender: Id, canister_id: Id, method: str, arg: bytes) -> bytes:
        """Query a method as `sender` and give the reply. Raises `RejectError`."""
        request = self._request(sender, canister_id, method, arg)
        return _data(queries.execute(self.node, request), request)

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
        runner, inbox = self.node.runner, self.node.scheduler.inbox
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
            runner.gather(lambda: len(inbox) + len(ended) >= len(calls))
            runner.tick(kind=Kind.GATHERED)
        for task in running:
            task.wait()
        return [task.result() for task in running]

    def settle(self) -> None:
        """Run rounds until nothing is under way and no timer is due, at most ten: new canisters get ready."""
        self.node.runner.settle(_SETTLING)

    def answer_outcalls(self, source: OutcallSource) -> None:
        """Let `source` answer HTTPS outcalls from now on, also those that are under way; see `OutcallSource`."""
        self._outcalls = source
        self.node.runner.call(lambda: self.node.scheduler.take_source(source))

    def outcall_answered(self) -> None:
        """For sources, from any thread: there is an answer that was not there before."""
        with suppress(ReplicaError):  # the replica was closed meanwhile
            self.node.runner.reconsider()

    @property
    def threshold_keys(self) -> dict[str, bytes]:
        """The master public keys of the network, by their names such as `ecdsa:Secp256k1:key_1`."""
        keys = MasterKeys(self.node.subnet.seed)
        return {str(key): keys.master_public_key(key) for key in KEYS}

    # --- the whole network at once --------------------------------------------------------------------------

    def snapshot(self) -> NetworkSnapshot:
        """Remember the state of everything; costs little, and `close` it when it is no longer needed."""
        return network_snapshots.take(self.node, self.clock)

    def restore(self, snapshot: NetworkSnapshot) -> None:
        """Bring everything back to a snapshot, as often as wanted. Raises `ReplicaError`."""
        network_snapshots.restore(snapshot, self.node, self.clock)

    def state_hash(self) -> bytes:
        """SHA-256 over the state of all canisters; the same calls at the same times give the same hash."""
        return network_snapshots.state_hash(self.node)

    # --- looking inside -------------------------------------------------------------------------------------

    def canister(self, canister_id: Id) -> Canister:
        """The record of a canister, to look at. Raises `ReplicaError` when there is none."""
        raw = Principal.of(canister_id).raw
        found = self.node.state.canisters.get(raw)
        if found is None:
            raise ReplicaError(f"canister {Principal(raw)} does not exist")
        return found

    def stable_memory(self, canister_id: Id) -> bytes:
        """The stable memory of a canister between two rounds. Raises `ReplicaError` when there is no such canister."""
        canister = self.canister(canister_id)
        return self.node.runner.call(lambda: network_snapshots.stable_memory(self.node.instances, canister))

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


class PendingUpdate:
    """A call that was submitted; call it to wait for the reply."""

    def __init__(self, node: Node, request: Request, completion: Completion) -> None:
        self._node = node
        self._request = request
        self._completion = completion

    def __call__(self, timeout_s: float | None = None) -> bytes:
        """Run rounds until the reply is there. Raises `RejectError` or `ReplicaError`."""
        found = self._node.runner.wait(self._completion, timeout_s)
        return _reply(found, self._request, timeout_s)


def _reply(completion: Completion | None, request: Request, timeout_s: float | None) -> bytes:
    if completion is None or completion.answer is None:
        raise ReplicaError(f"no answer from {request.method} within {timeout_s} s")
    return _data(completion.answer, request)


def _data(answer: Answer, request: Request) -> bytes:
    if isinstance(answer, Rejected):
        raise RejectError(
            answer.code,
            answer.message,
            answer.error_name,
            method=request.method,
            canister=Principal(request.callee).to_text(),
        )
    return answer.data
