"""Building nodes: keys from the seed, the replicated state from the state folder, all parts joined.

A network of one subnet is one node with the seed and the state folder of the network. Of several subnets each has a
seed that follows from the network's, and a folder `subnet-<n>/` in the state folder; `network` there says which they
are. Where every subnet has ranges of its own, others can be added later; one such subnet alone is built as several are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ic_harness.code_cache import default_folder
from ic_harness.errors import InputError, ReplicaError, StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, bls
from ic_harness.replica.certification import Certifier, Delegations
from ic_harness.replica.execution import Engine
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.management import ManagementCanister
from ic_harness.replica.rounds.joint_rounds import JointRounds
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.outcall_sources import OutcallSource
from ic_harness.replica.rounds.round_runner import RoundRunner
from ic_harness.replica.rounds.scheduler import Scheduler
from ic_harness.replica.rounds.subnet_outcalls import SubnetOutcalls
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.config import ROUND_INSTRUCTIONS, ReplicaConfig, Subnet
from ic_harness.replica.state.fees import CostSchedule
from ic_harness.replica.state.randomness import derive, fresh_seed
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import FromPythonApi, Message, ReplicatedState, Request
from ic_harness.replica.state.subnet_kinds import RULES, SubnetKind, SubnetSpec, parse_subnets, sized
from ic_harness.replica.store import (
    FolderLock,
    MemoryBlobs,
    NetworkFile,
    lock_folder,
    remove_subnet,
    subnet_folder,
)

if TYPE_CHECKING:
    from ic_harness.replica.store import Store

_NUMBERS_A_SUBNET = 1 << 32
"""Outcalls of the n-th subnet are numbered from n times this, so that no two subnets use the same number."""


@dataclass(frozen=True, slots=True)
class OpenNetwork:
    """A network that was opened: its nodes, what they were made from, and the lock of its state folder.

    `plans` has besides those of its nodes the plans of subnets that were added and are gone, while a snapshot has them.
    `kept` are those whose folders the state folder names.
    """

    nodes: Nodes
    plans: WeakKeyDictionary[Node, _Plan]
    kept: list[_Plan]
    folder: Path | None = None
    lock: FolderLock | None = None

    @property
    def stores(self) -> tuple[Store, ...]:
        """The store behind each node; none without a state folder."""
        plans = [self.plans[node] for node in self.nodes.all]
        return tuple(plan.store for plan in plans if plan.store is not None)

    @property
    def specs(self) -> tuple[SubnetSpec, ...]:
        """The descriptions of the subnets that there are."""
        return sized(self.plans[node].spec for node in self.nodes.all)

    def close(self, *, whole: bool) -> None:
        """Close the stores; `whole` is whether the states may be written, False after a failure."""
        for node in self.nodes.all:
            store = self.plans[node].store
            if store is not None:
                store.close(node.state if whole else None, node.instances)
        if self.lock is not None:
            self.lock.release()

    def add_subnet(
        self, spec: SubnetSpec, config: ReplicaConfig, clock: Clock, outcalls: OutcallSource
    ) -> Subnet:
        """Add a subnet, which begins at the round and time of the others; for commands of the runner.

        Raises `InputError` for overlapping ranges, too many subnets, and a kind that can no longer be added,
        `ReplicaError` for a network of one subnet that is responsible for every id, `StateError` for a folder that
        cannot be written; nothing has changed then.
        """
        nodes, root = self.nodes, self.nodes.root
        if nodes.rounds is None:
            raise ReplicaError(
                "no subnet can be added: the one that there is has every canister id. Open the network with several, "
                'such as subnets="application=2"'
            )
        _check_addition(spec.kind, [node.subnet.kind for node in nodes.all])
        specs = sized(parse_subnets([*self.specs, spec]))
        first, number = self.plans[root], len(specs) - 1
        with ExitStack() as opened:
            if self.folder is not None:
                opened.callback(remove_subnet, self.folder, number)
                remove_subnet(self.folder, number)  # what a process left that was killed here
            plan = _planned(config, first.network_seed, number, specs[-1], first.root, opened)
            subnet = _subnet(plan, config)
            node = _node(config, clock, plan, subnet, nodes.registry, root.instances.engine, outcalls)
            nodes.rounds.catch_up(node.scheduler)
            node.replace_state(
                node.state
            )  # into the journal: a folder that is named has the round of the others
            if self.folder is not None:
                NetworkFile(first.network_seed, specs).write(self.folder)
            opened.pop_all()
        self.plans[node] = plan
        if self.folder is not None:
            self.kept.append(plan)
        _share(node, root, root.runner, (*nodes.all, node))
        nodes.select((*nodes.all, node))
        if node.watch is not None:
            node.watch.subnet_added(specs[-1])
        return subnet

    def keep(self) -> None:
        """Keep in the state folder which subnets there are, and only these. Raises `StateError`."""
        if self.folder is None or self.nodes.rounds is None:
            return
        there = len(self.nodes.all)  # those that are gone were added last, and none of them comes back
        if len(self.kept) > there:
            NetworkFile(self.plans[self.nodes.root].network_seed, self.specs).write(self.folder)
        while len(self.kept) > there:
            plan = self.kept.pop()
            if plan.store is not None:
                plan.store.release()
            remove_subnet(self.folder, plan.number)


@dataclass(frozen=True)
class _Plan:
    """What one subnet is made from."""

    number: int
    spec: SubnetSpec
    seed: bytes
    network_seed: bytes
    key: bls.BlsKey
    root: bls.BlsKey
    store: Store | None

    @cached_property
    def identity(self) -> Ed25519Identity:
        return _node_identity(self.seed)


@lru_cache(maxsize=64)
def _root_key(seed: bytes) -> bls.BlsKey:
    """The key of a subnet with this seed. Deriving it takes longer than all else, and most networks have one seed."""
    return bls.keypair(derive(seed, b"root key"))


@lru_cache(maxsize=64)
def _node_identity(seed: bytes) -> Ed25519Identity:
    return Ed25519Identity.from_seed(derive(seed, b"node key"))


def open_nodes(config: ReplicaConfig, clock: Clock, outcalls: OutcallSource) -> OpenNetwork:
    """Make the nodes of a configuration, and open its state folder if it has one. Raises `StateError`."""
    with ExitStack() as opened:
        network = _open(config, clock, outcalls, opened)
        opened.pop_all()
        return network


def _open(config: ReplicaConfig, clock: Clock, outcalls: OutcallSource, opened: ExitStack) -> OpenNetwork:
    kept = None if config.state_dir is None else NetworkFile.read(config.state_dir)
    specs = config.subnets or (None if kept is None else kept.subnets) or (SubnetSpec(nodes=config.nodes),)
    if kept is not None and kept.subnets != sized(specs):
        raise StateError(
            f"{config.state_dir} holds a network of other subnets: leave the subnets out, or use another folder"
        )
    lock = None
    if len(specs) == 1 and specs[0].is_plain:
        plans = [_alone(config, specs[0], opened)]
    else:
        if config.state_dir is not None:
            lock = lock_folder(config.state_dir)
            opened.callback(lock.release)
        plans = _several(config, specs, kept, opened)
    registry = Registry(_subnet(plan, config) for plan in plans)
    engine = Engine(config.cache_dir or default_folder(), limit_names=config.limit_method_names)
    subnets = zip(plans, registry.subnets, strict=True)
    nodes = [_node(config, clock, plan, subnet, registry, engine, outcalls) for plan, subnet in subnets]
    rounds = None
    if len(specs) > 1 or specs[0].ranges is not None:
        rounds = _join(nodes, config, clock)
    planned = WeakKeyDictionary(zip(nodes, plans, strict=True))
    network = OpenNetwork(Nodes(nodes, registry, rounds), planned, list(plans), config.state_dir, lock)
    network.nodes.keep = network.keep
    return network


def _alone(config: ReplicaConfig, spec: SubnetSpec, opened: ExitStack) -> _Plan:
    """Plan the one subnet of a network: its seed and folder are the network's."""
    store = None
    wanted = spec.seed or config.seed
    if config.state_dir is not None:
        store = _open_store(config.state_dir, wanted, config, opened)
    seed = store.seed if store is not None else wanted
    seed = fresh_seed() if seed is None else seed
    key = _root_key(seed)
    return _Plan(0, spec, seed, seed, key, key, store)


def _several(
    config: ReplicaConfig, specs: Sequence[SubnetSpec], kept: NetworkFile | None, opened: ExitStack
) -> list[_Plan]:
    """Plan the subnets of a network of several."""
    folder = config.state_dir
    if kept is not None and config.seed not in {None, kept.seed}:
        raise StateError(
            f"{folder} belongs to a network with another seed: leave the seed out, or use another folder"
        )
    network_seed = (None if kept is None else kept.seed) or config.seed or fresh_seed()
    if folder is not None and kept is None:
        NetworkFile(network_seed, sized(specs)).write(folder)
    plans: list[_Plan] = []
    for number, spec in enumerate(specs):
        root = plans[0].key if plans else None
        plans.append(_planned(config, network_seed, number, spec, root, opened))
    _check_rounds(config, plans)
    return plans


def _planned(
    config: ReplicaConfig,
    network_seed: bytes,
    number: int,
    spec: SubnetSpec,
    root: bls.BlsKey | None,
    opened: ExitStack,
) -> _Plan:
    """Plan one of several subnets; `root` None is for the root subnet itself."""
    seed = spec.seed or derive(network_seed, b"subnet %d" % number)
    key = _root_key(seed)
    store = None
    if config.state_dir is not None:
        store = _open_store(subnet_folder(config.state_dir, number), seed, config, opened)
    return _Plan(number, spec, seed, network_seed, key, root or key, store)


def _open_store(folder: Path, seed: bytes | None, config: ReplicaConfig, opened: ExitStack) -> Store:
    from ic_harness.replica.store import Store  # lazy: most networks have no state folder  # noqa: PLC0415

    store = Store(folder, seed, durable=config.durable)
    opened.callback(store.release)
    return store


def _check_addition(kind: SubnetKind, there: Sequence[SubnetKind]) -> None:
    """Raise `InputError` for a kind of subnet that these subnets cannot get beside them."""
    if kind is SubnetKind.NNS:
        raise InputError(
            "an NNS is the root of a network: name it among the subnets when the network is opened"
        )
    if kind in there and not RULES[kind].several:
        raise InputError(f"the network has its {kind.value} subnet already: there is one at most")


def _check_rounds(config: ReplicaConfig, plans: Sequence[_Plan]) -> None:
    """Subnets journal a round one after the other, so a killed process leaves them at most one round apart.

    Raises `StateError` where they are further apart: only some of them were put back to a snapshot, or copied.
    """
    states = [plan.store.state for plan in plans if plan.store is not None]
    rounds = [0 if state is None else state.round for state in states]
    if rounds and max(rounds) - min(rounds) > 1:
        raise StateError(
            f"the subnets in {config.state_dir} do not belong together: they are at the rounds "
            f"{', '.join(map(str, rounds))}. A process was killed while it restored a snapshot, or a subnet's folder "
            "was copied alone: put back a copy of the whole folder, or use another one"
        )


def _subnet(plan: _Plan, config: ReplicaConfig) -> Subnet:
    """The subnet of a plan, with one node in place of its number of nodes."""
    identity = plan.identity
    node_key = identity.public_key_der
    assert node_key is not None, "bug: a node has a key"
    subnet = Subnet(
        id=Principal.self_authenticating(plan.key.public_der).raw,
        root_key=plan.root.public_der,
        public_key=plan.key.public_der,
        node_id=identity.principal.raw,
        node_key=node_key,
        seed=plan.seed,
        network_seed=plan.network_seed,
        kind=plan.spec.kind,
        nodes=plan.spec.size,
        admins=frozenset(admin.raw for admin in config.subnet_admins),
        cost_schedule=_cost_schedule(plan.spec, config),
        benchmarking=plan.spec.benchmarking,
        threshold_keys=config.threshold_keys,
        slice_instructions=config.slice_instructions,
        round_instructions=None
        if config.round_instructions == ROUND_INSTRUCTIONS
        else config.round_instructions,
        keys_by_kind=config.keys_by_kind,
        check_outcall_urls=config.check_outcall_urls,
    )
    return subnet if plan.spec.ranges is None else replace(subnet, ranges=plan.spec.ranges)


def _cost_schedule(spec: SubnetSpec, config: ReplicaConfig) -> CostSchedule:
    return CostSchedule.FREE if RULES[spec.kind].is_free else spec.cost_schedule or config.cost_schedule


def _node(
    config: ReplicaConfig,
    clock: Clock,
    plan: _Plan,
    subnet: Subnet,
    registry: Registry,
    engine: Engine,
    outcalls: OutcallSource,
) -> Node:
    """Join the parts of a node."""
    source = SubnetOutcalls(outcalls, is_root=subnet.is_root)
    return Node(
        config=config,
        clock=clock,
        subnet=subnet,
        scheduler=Scheduler(
            _state(clock, plan, subnet),
            _instances(engine, plan.store),
            subnet,
            ManagementCanister(),
            threads=config.threads,
            journaled=plan.store is not None,
            outcalls=source,
            registry=registry,
        ),
        certifier=Certifier(
            subnet, plan.key, registry, None if subnet.is_root else Delegations(subnet, plan.root)
        ),
        identity=plan.identity,
        journal=plan.store,
    )


def _state(clock: Clock, plan: _Plan, subnet: Subnet) -> ReplicatedState:
    """The replicated state of a subnet, as its folder has it or new."""
    state = None if plan.store is None else plan.store.state
    if state is None:
        state = ReplicatedState(time_ns=clock.now_ns())
    else:
        forget_host_calls(state)
    # What a round has not changed yet is not in the journal.
    state.next_outcall = max(state.next_outcall, plan.number * _NUMBERS_A_SUBNET)
    state.next_index = max(state.next_index, int.from_bytes(subnet.ranges[-1][0][:8], "big"))
    return state


def _instances(engine: Engine, store: Store | None) -> InstancePool:
    if store is None:
        return InstancePool(engine, MemoryBlobs())
    return InstancePool(engine, store.blobs, store.load_memory)


def _join(nodes: Sequence[Node], config: ReplicaConfig, clock: Clock) -> JointRounds:
    """Let one round runner drive the nodes of several subnets."""
    first = nodes[0]
    rounds = JointRounds([node.scheduler for node in nodes], [node.publish for node in nodes])
    background = clock.ticks if config.background is None else config.background
    runner = RoundRunner(
        rounds, clock, rounds.publish, background=background, interval_s=config.round_interval_s
    )
    for node in nodes:
        _share(node, first, runner, nodes)
    return rounds


def _share(node: Node, first: Node, runner: RoundRunner, nodes: Sequence[Node]) -> None:
    """Let a node use what all nodes of a network share."""
    node.instances.interruption = first.instances.interruption
    node.scheduler.bitcoin = first.scheduler.bitcoin
    node.join(runner, first.observer, nodes)


def forget_host_calls(state: ReplicatedState) -> None:
    """Drop the calls of an earlier process that did not begin: its callers were refused when it ended."""
    for canister in state.canisters.values():
        canister.queue = deque(message for message in canister.queue if not _of_host(message))
    state.management_queue = deque(request for request in state.management_queue if not _of_host(request))


def _of_host(message: Message) -> bool:
    return isinstance(message, Request) and isinstance(message.origin, FromPythonApi)
