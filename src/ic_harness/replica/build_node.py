"""Building a node: keys from the seed, the replicated state from the state folder, all parts joined."""

from __future__ import annotations

from collections import deque

from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, bls
from ic_harness.replica.certification import Certifier
from ic_harness.replica.execution import Engine, default_folder
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.management import ManagementCanister
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.outcall_sources import OutcallSource
from ic_harness.replica.rounds.scheduler import Scheduler
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.config import ReplicaConfig, Subnet
from ic_harness.replica.state.randomness import derive, fresh_seed
from ic_harness.replica.state.replicated_state import FromPythonApi, Message, ReplicatedState, Request
from ic_harness.replica.store import MemoryBlobs, Store


def open_node(config: ReplicaConfig, clock: Clock, outcalls: OutcallSource) -> tuple[Node, Store | None]:
    """Make the node of a configuration, and open its state folder if it has one. Raises `StateError`."""
    if config.state_dir is None:
        return make_node(config, clock, None, outcalls), None
    store = Store(config.state_dir, config.seed)
    try:
        return make_node(config, clock, store, outcalls), store
    except BaseException:
        store.release()
        raise


def make_node(config: ReplicaConfig, clock: Clock, store: Store | None, outcalls: OutcallSource) -> Node:
    """Join the parts of a node."""
    if store is not None:
        seed = store.seed
    else:
        seed = fresh_seed() if config.seed is None else config.seed
    key = bls.keypair(derive(seed, b"root key"))
    identity = Ed25519Identity.from_seed(derive(seed, b"node key"))
    subnet = make_subnet(seed, key, identity, config.nodes)
    return Node(
        config=config,
        clock=clock,
        subnet=subnet,
        scheduler=_make_scheduler(config, clock, subnet, store, outcalls),
        certifier=Certifier(subnet, key),
        identity=identity,
        journal=store,
    )


def _make_scheduler(
    config: ReplicaConfig, clock: Clock, subnet: Subnet, store: Store | None, outcalls: OutcallSource
) -> Scheduler:
    engine = Engine(config.cache_dir or default_folder())
    if store is None:
        instances = InstancePool(engine, MemoryBlobs())
    else:
        instances = InstancePool(engine, store.blobs, store.load_memory)
    state = store.state if store is not None else None
    if state is not None:
        forget_host_calls(state)
    return Scheduler(
        state or ReplicatedState(time_ns=clock.now_ns()),
        instances,
        subnet,
        ManagementCanister(),
        threads=config.threads,
        journaled=store is not None,
        outcalls=outcalls,
    )


def forget_host_calls(state: ReplicatedState) -> None:
    """Drop the calls of an earlier process that did not begin: its callers were refused when it ended."""
    for canister in state.canisters.values():
        canister.queue = deque(message for message in canister.queue if not _of_host(message))
    state.management_queue = deque(request for request in state.management_queue if not _of_host(request))


def _of_host(message: Message) -> bool:
    return isinstance(message, Request) and isinstance(message.origin, FromPythonApi)


def make_subnet(seed: bytes, key: bls.BlsKey, identity: Ed25519Identity, nodes: int) -> Subnet:
    """The subnet of a seed: its own root, with one node in place of `nodes`."""
    node_key = identity.public_key_der
    assert node_key is not None, "bug: a node has a key"
    return Subnet(
        id=Principal.self_authenticating(key.public_der).raw,
        root_key=key.public_der,
        node_id=identity.principal.raw,
        node_key=node_key,
        seed=seed,
        nodes=nodes,
    )
