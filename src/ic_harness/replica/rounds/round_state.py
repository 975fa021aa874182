"""What rounds work on: the replicated state, indexes of canisters with work, the round's changes, and its budgets.

The parts of a round (`scheduler`, `expiry`, `outcall_answers`, `management`) share it; it knows none of them.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.bitcoin import Chains
from ic_harness.replica.execution.charging import allocated_bytes
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.memory_usage import memory_used
from ic_harness.replica.management import (
    BITCOIN_CANISTERS,
    ManagementEffects,
    ManagementReject,
    effective_canister,
)
from ic_harness.replica.rounds import deadlines
from ic_harness.replica.rounds.long_executions import LongExecutions
from ic_harness.replica.rounds.outcall_sources import OutcallSource
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import (
    KEEP_ANSWERS,
    MESSAGE_OVERHEAD,
    QUEUE_CAPACITY,
    REMOTE_CALL_BYTES,
    Subnet,
)
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.output_queue import OutputMessage, ResponseOut
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Answer,
    Canister,
    FromCanister,
    FromPythonApi,
    FromUser,
    Message,
    Outcall,
    ReplicatedState,
    Request,
    RequestRecord,
    Response,
    Status,
    Stream,
)


@dataclass(slots=True)
class IngressMessage:
    """A call from outside to `subnet`. A user's call brings its record and the time after which it must not begin.

    `size` are the bytes of the signed envelope, 0 where there is none.
    """

    request: Request
    record: RequestRecord | None = None
    expiry_ns: int | None = None
    size: int = 0
    subnet: bytes = b""


def queue_room(canister: Canister) -> dict[bytes, int]:
    """Free slots for calls to each callee that was called and has not answered."""
    waiting = Counter(call.callee for call in canister.calls.values())
    return {callee: QUEUE_CAPACITY - count for callee, count in waiting.items()}


@dataclass(slots=True)
class Used:
    """What a canister has used in a round: instructions, and how many messages it ran."""

    instructions: int = 0
    messages: int = 0

    @property
    def total(self) -> int:
        """Instructions, with `MESSAGE_OVERHEAD` for each message."""
        return self.instructions + self.messages * MESSAGE_OVERHEAD


@dataclass(frozen=True, slots=True)
class Budget:
    """Instructions that a canister may use in a round.

    Beyond `ingress` no call from outside begins; beyond `total`, which also counts `MESSAGE_OVERHEAD` for each
    message, no message at all.
    """

    ingress: float
    total: float

    def lasts(self, used: Used) -> bool:
        """Whether any message may begin."""
        return used.total < self.total

    def allows(self, message: Message, used: Used) -> bool:
        """Whether this message may begin, where any may."""
        return used.instructions < self.ingress or not is_ingress(message)


def is_ingress(message: Message) -> bool:
    """Whether a message came from outside the subnet."""
    return not isinstance(message, Response) and not isinstance(message.origin, FromCanister)


class RoundState:
    """The replicated state between and during rounds. Use it from one thread at a time."""

    def __init__(
        self,
        state: ReplicatedState,
        instances: InstancePool,
        subnet: Subnet,
        outcalls: OutcallSource,
        registry: Registry | None = None,
    ) -> None:
        self.state = state
        self.instances = instances
        self.subnet = subnet
        self.registry = registry or Registry([subnet])
        self.outcalls = outcalls
        self.bitcoin = Chains()
        self.long = LongExecutions(instances, subnet.slice_instructions)
        """The messages that take several rounds."""
        self.changes = StateDelta()
        self.leaving: list[OutputMessage] = []
        self.outgoing: dict[bytes, list[Message]] = {}
        """Messages for other subnets, by their ids, that are put into the streams at the end of the round."""
        # Callers put into it while a round may be running: only append and popleft are used.
        self.inbox: deque[IngressMessage] = deque()
        self.since = 0
        """How many interruptions there were when the present management call began."""
        self.reindex()

    @property
    def most(self) -> int | None:
        """The instructions of a slice; None lets messages and installations run to their ends."""
        return self.subnet.slice_instructions

    def adopt(self, state: ReplicatedState) -> None:
        """Continue with another replicated state; messages between canisters of the present one are dropped."""
        self.state = state
        self.inbox.clear()
        self.leaving = []
        self.outgoing = {}
        self.changes = StateDelta()
        self.reindex()

    def reindex(self) -> None:
        """Rebuild the indexes, after the state was loaded or replaced."""
        canisters = self.state.canisters.values()
        self.ready: set[bytes] = {canister.id for canister in canisters if canister.queue}
        self.timers: dict[bytes, int] = {}
        self.heartbeats: set[bytes] = set()
        self._watched: dict[bytes, tuple[object, ...]] = {}
        """What `watch` has seen of canisters last."""
        self.stirred: set[bytes] = set()
        """Canisters that were called or changed since they had a heartbeat."""
        self.stopping: set[bytes] = set()
        self.expiring = deadlines.index(canisters)
        self.next_charge_ns = 0
        self._allocated: dict[bytes, int] = {}
        self.memory_taken = 0
        """Bytes of memory that the subnet has given to its canisters: what they use, or their allocations."""
        self.take_source(self.outcalls)
        for canister in canisters:
            self.watch(canister)
            self.count_memory(canister)

    def take_source(self, source: OutcallSource) -> None:
        """Let `source` answer outcalls, also those that are under way."""
        source.replaced()
        self.outcalls = source
        for outcall in self.state.outcalls.values():
            self.begin_outcall(outcall)

    def begin_outcall(self, outcall: Outcall) -> None:
        """Pass an outcall to its source, and note its deadline."""
        self.expiring.add(outcall.deadline_ns, MANAGEMENT, outcall.number)
        self.outcalls.begin(outcall)

    def watch(self, canister: Canister) -> None:
        """Note what wakes this canister by itself: a timer, a heartbeat, the low-memory hook; and whether it stops."""
        seen = canister.status, canister.module_hash, canister.low_memory_hook, canister.global_timer_ns
        if self._watched.get(canister.id) == seen:
            return
        self._watched[canister.id] = seen
        self.timers.pop(canister.id, None)
        self.heartbeats.discard(canister.id)
        if canister.status is Status.STOPPING:
            self.stopping.add(canister.id)
        else:
            self.stopping.discard(canister.id)
        if not canister.module_hash or canister.status is not Status.RUNNING:
            return
        if canister.low_memory_hook == "ready":
            self.ready.add(canister.id)
            del self._watched[canister.id]  # it is ready again after its next slice
        if canister.global_timer_ns:
            self.timers[canister.id] = canister.global_timer_ns
        if "canister_heartbeat" in self.instances.module(canister).exports:
            self.heartbeats.add(canister.id)

    def rest(self, canister: Canister) -> None:
        """Let nothing wake a canister by itself that cannot pay for its tasks, until something changes it."""
        self._watched.pop(canister.id, None)
        self.timers.pop(canister.id, None)
        self.heartbeats.discard(canister.id)
        if not canister.queue:
            self.ready.discard(canister.id)

    def count_memory(self, canister: Canister) -> None:
        """Note what a canister takes of the subnet's memory, after it changed."""
        taken = allocated_bytes(canister.settings, canister.memory_used)
        before = self._allocated.get(canister.id, 0)
        if taken != before:
            self.memory_taken += taken - before
            self._allocated[canister.id] = taken

    def touch(self, canister: Canister) -> None:
        """Note that a canister changed outside its execution slice."""
        self.changes.canisters.add(canister.id)

    def apply(self, effects: ManagementEffects) -> None:
        """Apply what a management call asks for."""
        for canister in effects.changed.values():
            canister.memory_used = memory_used(canister, self.instances)
            self.count_memory(canister)
            self.touch(canister)
            self.watch(canister)
            self.stirred.add(canister.id)
            self.expiring.note_stops(canister)
        for canister_id in effects.deleted:
            self._forget(canister_id)
        self.changes.replaced |= effects.memory_replaced
        for outcall in effects.outcalls:
            self.state.outcalls[outcall.number] = self.changes.outcalls[outcall.number] = outcall
            self.begin_outcall(outcall)
        for answered in effects.rejected:
            self.deliver(answered)
        self.leaving += effects.outputs

    def _forget(self, canister_id: bytes) -> None:
        """Remove a deleted canister from the indexes."""
        self._watched.pop(canister_id, None)
        self.ready.discard(canister_id)
        self.timers.pop(canister_id, None)
        self.heartbeats.discard(canister_id)
        self.stopping.discard(canister_id)
        self.memory_taken -= self._allocated.pop(canister_id, 0)
        self.changes.canisters.add(canister_id)

    # --- messages -------------------------------------------------------------------------------------------

    def enqueue(self, request: Request) -> None:
        """Put a call into its callee's queue or into the stream to its subnet, or refuse it."""
        if self._names_subnet(request):
            self.refuse(request, rejects.subnet_named(request.method, request.callee))
            return
        elsewhere = self._elsewhere(request)
        if elsewhere is not None:
            self._send_call(elsewhere, request)
            return
        if request.callee in {MANAGEMENT, self.subnet.id}:
            self.state.management_queue.append(request)
            return
        callee = self.state.canisters.get(request.callee)
        if callee is None and request.callee in BITCOIN_CANISTERS and request.method.startswith("bitcoin_"):
            # The Bitcoin canister, whose methods are those of the management canister.
            self.state.management_queue.append(replace(request, callee=MANAGEMENT))
        elif callee is None:
            known = self.subnet.hosts(request.callee) or not isinstance(request.origin, FromCanister)
            self.refuse(request, (rejects.canister_not_found if known else rejects.no_route)(request.callee))
        elif not isinstance(request.origin, FromCanister) and len(callee.queue) >= 4 * QUEUE_CAPACITY:
            self.refuse(request, rejects.queue_full(callee.id))
        else:
            callee.queue.append(request)
            self.ready.add(callee.id)
            self.touch(callee)

    def _names_subnet(self, request: Request) -> bool:
        """Whether a canister of this subnet calls a subnet by its id, which only canisters of the root may."""
        own = isinstance(request.origin, FromCanister) and self.subnet.hosts(request.caller)
        return own and not self.subnet.is_root and self.registry.find(request.callee) is not None

    def _elsewhere(self, request: Request) -> Subnet | None:
        """Return the other subnet that has to execute a canister's call; None when it is this one, or none."""
        if len(self.registry.subnets) == 1 or not isinstance(request.origin, FromCanister):
            return None
        if request.callee == MANAGEMENT:
            try:
                concerned = effective_canister(request)
            except ManagementReject:  # the management canister of this subnet says what is wrong
                concerned = None
            target = None if concerned is None else self.registry.host(concerned)
        else:
            target = self.registry.find(request.callee) or self.registry.host(request.callee)
        return None if target is None or target.id == self.subnet.id else target

    def _send_call(self, target: Subnet, request: Request) -> None:
        if len(request.method.encode()) + len(request.arg) > REMOTE_CALL_BYTES:
            self.refuse(request, rejects.remote_call_too_large(request.caller))
        else:
            self.outgoing.setdefault(target.id, []).append(request)

    def send(self, outgoing: dict[bytes, list[Message]]) -> None:
        """Put messages for other subnets into the streams."""
        self.outgoing = {}
        for subnet_id, messages in outgoing.items():
            stream = self.state.streams.get(subnet_id, Stream())
            self.put_stream(subnet_id, replace(stream, messages=(*stream.messages, *messages)))

    def put_stream(self, subnet_id: bytes, stream: Stream) -> None:
        """Replace the stream to another subnet."""
        self.state.streams[subnet_id] = self.changes.streams[subnet_id] = stream

    def refuse(self, request: Request, answer: Answer) -> None:
        """Answer a call that never began, with all its cycles."""
        self.deliver(ResponseOut(request.origin, answer, request.cycles))

    def deliver(self, item: ResponseOut) -> None:
        """Bring an answer to its caller."""
        origin = item.origin
        if isinstance(origin, FromCanister):
            caller_id = origin.canister
            response = Response(to=caller_id, call=origin.call, answer=item.answer, refund=item.refund)
            home = None if caller_id in self.state.canisters else self.registry.host(caller_id)
            if home is None or home.id == self.subnet.id:
                self.respond(response)
            else:
                self.outgoing.setdefault(home.id, []).append(response)
        elif isinstance(origin, FromUser):
            self._record(origin.request_id, item.answer)
        elif isinstance(origin, FromPythonApi):
            self.changes.answers[origin.ticket] = item.answer

    def respond(self, response: Response) -> None:
        """Put an answer into the queue of the canister that called; dropped when that was deleted."""
        caller = self.state.canisters.get(response.to)
        if caller is not None:
            caller.queue.append(response)
            self.ready.add(caller.id)
            self.touch(caller)

    def _record(self, request_id: bytes, answer: Answer) -> None:
        known = self.state.requests.get(request_id)
        if known is None:
            return
        record = RequestRecord(
            sender=known.sender,
            effective_id=known.effective_id,
            canister=known.canister,
            forget_ns=max(known.forget_ns, self.state.time_ns + KEEP_ANSWERS),
            answer=answer,
        )
        self.state.requests[request_id] = self.changes.requests[request_id] = record
