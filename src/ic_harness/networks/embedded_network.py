"""The embedded network: the replica of this package, in this process.

Agents call `Replica.handle` without a socket; envelopes, signatures and certificates are the same as over HTTP.
The asynchronous transport calls it in a worker thread, so that the event loop is not blocked.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ic_harness.agent import Agent
from ic_harness.errors import InputError, NetworkError
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Ed25519Identity, Identity
from ic_harness.replica import (
    ExecutionMetrics,
    Fault,
    FaultKind,
    LogLine,
    NetworkSnapshot,
    ObservedMessage,
    Replica,
    Subnet,
    SubnetSpec,
    TrapPlace,
    observed,
    subnet_kind,
)
from ic_harness.suggestions import suggest
from ic_harness.units import Instructions, Nanos

from .capabilities import Capability
from .embedded_agents import (
    BulkAgent,
    DirectCalls,
    InProcessAgent,
    InProcessTransport,
    Route,
    UnsignedAgent,
)
from .network import MAX_SETTLING, Network, Snapshot
from .subnets import SubnetInfo, SubnetName

if TYPE_CHECKING:
    from ic_harness.agent import AsyncAgent
    from ic_harness.history import History
    from ic_harness.replica import Bitcoin
    from ic_harness.replica.recording import InputRecorder

    from .canister import Canister
    from .outcalls import Outcalls

T = TypeVar("T")


def _record(subnet: Subnet) -> SubnetInfo:
    return SubnetInfo(
        id=subnet.principal,
        kind=subnet.kind.value,
        canister_ranges=tuple((Principal(low), Principal(high)) for low, high in subnet.ranges),
        node_ids=(Principal(subnet.node_id),),
        size=subnet.nodes,
    )


@cache
def _deployer() -> Identity:
    # Access to the state folder allows changing its canisters anyway, so this is no secret.
    return Ed25519Identity.from_seed(hashlib.sha256(b"ic-harness deployer of an embedded network").digest())


class EmbeddedNetwork(Network):
    """A `Replica` as a network. Closing it closes the replica."""

    capabilities = frozenset(Capability)

    def __init__(self, replica: Replica, deployer: Identity | None = None) -> None:
        super().__init__(deployer or _deployer())
        self.replica = replica
        self._outcalls: Outcalls | None = None
        self._route = Route()
        self.recorder: InputRecorder | None = None
        """What `record` has kept so far."""
        self._history: History | None = None
        self._watched = 0
        self._used: Counter[Principal] = Counter()
        self.icp: Mapping[str, Canister] = {}
        """The Internet Computer's own canisters that were installed at start, by names such as `ledger`."""

    @property
    def name(self) -> str:
        """Always `embedded`."""
        return "embedded"

    @property
    def root_key(self) -> bytes:
        """The replica's DER root key."""
        return self.replica.root_key

    @property
    def subnets(self) -> tuple[SubnetInfo, ...]:
        """The subnets of the network; the first is the root, whose key verifies every certificate."""
        return tuple(map(_record, self.replica.nodes.registry.subnets))

    def add_subnet(self, kind: str, *, nodes: int | None = None) -> SubnetInfo:
        """Add a subnet between two rounds, behind those that there are; a state folder keeps it.

        Going back to a snapshot from before removes it. Raises `InputError` for a kind or size that cannot be added,
        `ReplicaError` for a network of one subnet, which has every canister id.
        """
        return _record(self.replica.add_subnet(SubnetSpec(kind=subnet_kind(kind), nodes=nodes)))

    def _effective_id(self, canister_id: Principal | None, subnet: SubnetName | None) -> Principal | None:
        registry = self.replica.nodes.registry
        if subnet is None and len(registry.subnets) > 1:
            return canister_id or Principal(registry.default.ranges[-1][0])
        return super()._effective_id(canister_id, subnet)

    def canisters(self) -> list[Principal]:
        """Return all canisters of the network, oldest first."""
        return self.replica.canister_ids()

    def _settle(self) -> None:
        self.replica.settle()

    @property
    def failure(self) -> BaseException | None:
        """The error that stopped the replica, such as a full disk."""
        return self.replica.failure

    def _new_agent(self, identity: Identity) -> Agent:
        return InProcessAgent(self.replica, identity, self._route)

    @contextmanager
    def direct_calls(self, direct: DirectCalls) -> Iterator[None]:
        """Within the block pass the calls of agents to `direct`; asynchronous and bulk agents go on as they are."""
        before, self._route.direct = self._route.direct, direct
        try:
            yield
        finally:
            self._route.direct = before

    def bulk_agent(self, identity: Identity | None = None) -> Agent:
        """Return a client whose calls skip signatures, certificates and canister_inspect_message."""
        transport = InProcessTransport(self.replica)
        return BulkAgent(self.replica, transport, identity or AnonymousIdentity())

    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        from .embedded_async_agents import InProcessAsyncAgent  # lazy: start-up time  # noqa: PLC0415

        return InProcessAsyncAgent(self.replica, identity)

    def _new_unsigned_agent(self, sender: Principal) -> UnsignedAgent:
        return UnsignedAgent(self.replica, InProcessTransport(self.replica), sender, self._route)

    def _new_unsigned_async_agent(self, sender: Principal) -> AsyncAgent:
        from .embedded_async_agents import UnsignedAsyncAgent  # lazy: start-up time  # noqa: PLC0415

        return UnsignedAsyncAgent(self._new_unsigned_agent(sender), self.replica)

    def time_ns(self) -> Nanos:
        """Return the replica's time, ns since 1970."""
        return Nanos(self.replica.clock.now_ns())

    def set_time(self, time_ns: int) -> None:
        """Set the replica's time; it only goes forward. Raises `ReplicaError` when `time_ns` is past."""
        self.replica.set_time(time_ns)

    def advance_time(self, by_ns: int) -> None:
        """Move the replica's time forward; timers that are due fire in the next round."""
        self.replica.advance_time(by_ns)

    def tick(self) -> None:
        """Run one round."""
        self.replica.tick()

    def settle(self, max_rounds: int = MAX_SETTLING) -> None:
        """Run rounds until nothing is under way and no timer is due; none while rounds are held."""
        if not (self.replica.settle(max_rounds) or self.replica.is_held):
            raise NetworkError(
                f"canisters are still busy after {max_rounds} rounds: a timer or a call starts another at once"
            )

    def snapshot(self) -> NetworkSnapshot:
        """Take a snapshot: canisters, messages in flight, time and randomness."""
        return self.replica.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this network. Raises `ReplicaError` when it is of another, or closed."""
        assert isinstance(snapshot, NetworkSnapshot), "bug: a snapshot of another kind of network"
        self.replica.restore(snapshot)

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls whose first updates are executed in the same round."""
        return self.replica.in_one_round(calls)

    def instructions(self, canister: Principal) -> Instructions:
        """Return the instructions that a canister has executed so far, queries included."""
        self._watched, figures = self.replica.figures(self._watched)
        for figure in figures:
            self._used[figure.canister] += figure.instructions
        return Instructions(self._used[Principal.of(canister)])

    def metrics(self, since: int = 0) -> tuple[int, list[ExecutionMetrics]]:
        """Return the metrics of the newest 10,000 messages, queries included."""
        return self.replica.figures(since)

    def log_stream(self, since: int = 0) -> tuple[int, list[LogLine]]:
        """Return the newest 10,000 lines that canisters printed."""
        return self.replica.lines(since)

    def find_trap(self, reject_message: str) -> TrapPlace | None:
        """Return the newest trap that a reject message speaks of, with its frames if the module has line tables."""
        return self.replica.node.instances.engine.traps.find(reject_message)

    def inject_fault(
        self,
        kind: str,
        *,
        endpoint: str | None = "call",
        method: str | None = None,
        after: int = 0,
        times: int = 1,
        seconds: float = 0.0,
    ) -> None:
        """Inject a fault. Raises `InputError` for an unknown `kind`."""
        known = [it.value for it in FaultKind]
        if kind not in known:
            raise InputError(f"no fault {kind!r}; {suggest(kind, known)}")
        self.replica.faults.order(
            Fault(
                kind=FaultKind(kind),
                endpoint=endpoint,
                method=method,
                after=after,
                times=times,
                seconds=seconds,
            )
        )

    def clear_faults(self) -> None:
        """Remove all faults that have not been injected yet."""
        self.replica.faults.clear()

    @property
    def outcalls(self) -> Outcalls:
        """Responses to HTTPS outcalls of canisters; they are refused until a test configures them."""
        if self._outcalls is None:
            from .outcalls import Outcalls  # lazy: start-up time  # noqa: PLC0415

            self._outcalls = Outcalls(self.replica)
        return self._outcalls

    def record(self) -> InputRecorder:
        """Record all that reaches the network from now on, for `history` and for failure files; returns the recorder.

        Raises `InputError` for a network that has run already, or is kept in a state folder.
        """
        from ic_harness.replica.recording import InputRecorder  # lazy: few need it  # noqa: PLC0415

        if self.recorder is None:
            self.recorder = InputRecorder(self.replica.nodes, self.replica.config)
        return self.recorder

    @property
    def history(self) -> History:
        """The messages of the network so far, with the state before and after each.

        Raises `InputError` when the network is not recorded.
        """
        if self.recorder is None:
            raise InputError(
                "this network is not recorded: open it with embedded(history=True), mark the test with "
                "@pytest.mark.ic(history=True), or run pytest with --ic-history"
            )
        if self._history is None:
            from ic_harness.history import History  # lazy: few need it  # noqa: PLC0415

            self._history = History(self.recorder, EmbeddedNetwork)
        return self._history

    @property
    def bitcoin(self) -> Bitcoin:
        """The Bitcoin networks in memory; regtest unless another one is asked for with `on`."""
        from ic_harness.replica import Bitcoin  # lazy: start-up time  # noqa: PLC0415

        return Bitcoin(self.replica.node)

    @property
    def threshold_keys(self) -> dict[str, bytes]:
        """The master public keys that canisters' keys are derived from, by names such as `ecdsa:Secp256k1:key_1`."""
        return self.replica.threshold_keys

    @contextmanager
    def anchored(self) -> Iterator[None]:
        """Restore everything after the block, the configuration of outcalls included."""
        before = None if self._outcalls is None else self._outcalls.orders()
        try:
            with super().anchored():
                yield
        finally:
            if self._outcalls is not None and self.failure is None:
                self._outcalls.restore(before)

    @contextmanager
    def limited(self, *, instructions: int | None = None, rounds: int | None = None) -> Iterator[None]:
        """Limit messages and rounds within the block. Raises `InputError` for numbers that are no limits."""
        with self.replica.limited(instructions=instructions, rounds=rounds):
            yield

    @contextmanager
    def observed(self) -> Iterator[list[ObservedMessage]]:
        """Within the block, keep every execution of a canister: instructions, bytes of argument, reply and memories."""
        with observed(self.replica.node.instances.engine.observers) as messages:
            yield messages

    def stable_memory(self, canister: Principal) -> bytes:
        """Read the stable memory of a canister. Raises `ReplicaError` when there is no such canister."""
        return self.replica.stable_memory(canister)

    def set_stable_memory(self, canister: Principal, content: bytes) -> None:
        """Replace the stable memory of a canister. Raises `ReplicaError` when it has no code."""
        self.replica.set_stable_memory(canister, content)

    def load_fork(
        self, folder: str | Path, *, passphrase: str | None = None, timer: bool = False
    ) -> Canister:
        """Load what `ic-harness fork` downloaded, under the canister's own id; returns a client as the deployer.

        `passphrase` is needed for an encrypted fork. The canister's timer is off unless `timer` is set. Raises
        `InputError` for a damaged fork, a wrong passphrase, and an id that is taken.
        """
        from .forks import load_fork  # lazy: start-up time  # noqa: PLC0415

        return load_fork(self, self.replica, Path(folder), passphrase=passphrase, timer=timer)

    def certified_data(self, canister: Principal) -> bytes:
        """Read the certified data of a canister. Raises `ReplicaError` when there is no such canister."""
        return self.replica.certified_data(canister)

    def logs(self, canister: Principal) -> list[str]:
        """Read the newest 4 KiB of what a canister printed, and why it trapped."""
        return [
            record.content.decode(errors="replace") for record in self.replica.logs(Principal.of(canister))
        ]

    def close(self) -> None:
        """Stop the replica; with a state folder everything is kept there."""
        if self._history is not None:
            self._history.close()
        self.replica.close()
