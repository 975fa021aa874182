"""Snapshots of the whole network, and a hash of its state.

Taking a snapshot copies the state's records and marks the memories; nothing of the memories is copied until
it changes. Going back costs what was changed since, in memory and, with a state folder, in the journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ic_harness.errors import ReplicaError
from ic_harness.principal import Principal
from ic_harness.protocol import cbor
from ic_harness.replica.execution import MemorySnapshot
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.delta import Pages
from ic_harness.replica.state.memory_image import SparseBytes
from ic_harness.replica.state.replicated_state import Canister, ReplicatedState
from ic_harness.replica.store import to_plain
from ic_harness.units import WASM_PAGE


class NetworkSnapshot:
    """A moment of a network. It can be restored any number of times, into its own replica only."""

    def __init__(self, parts: Sequence[NodeSnapshot], clock: int) -> None:
        self.parts = tuple(parts)
        self.clock = clock
        runner = parts[0].node.runner
        self.heartbeat_ns = runner.heartbeat_ns
        self.held = runner.is_held
        self.bitcoin = parts[0].node.scheduler.bitcoin.copy()
        watch = parts[0].node.watch
        self.mark = None if watch is None else watch.mark()
        """The position in the recording of the network's inputs, None where there is none."""
        self.closed = False

    def close(self) -> None:
        """Forget the moment, so that pages changed since need not be kept."""
        if not self.closed:
            self.closed = True
            with suppress(ReplicaError):  # of a replica that has stopped nothing is kept any more
                self.parts[0].node.runner.post(self._forget)

    def _forget(self) -> None:
        for part in self.parts:
            for memory in part.memories.values():
                memory.close()


class NodeSnapshot:
    """The part of a network snapshot that is one subnet's."""

    def __init__(self, node: Node, state: ReplicatedState, memories: dict[bytes, MemorySnapshot]) -> None:
        self.node = node
        self.state = state
        self.memories = memories
        self.long = node.scheduler.long.copy()


def take(nodes: Nodes, clock: Clock) -> NetworkSnapshot:
    """Remember the present state of everything."""
    return nodes.root.runner.call(lambda: NetworkSnapshot([_take(node) for node in nodes.all], clock.mark()))


def _take(node: Node) -> NodeSnapshot:
    memories = {
        canister.id: _mark(node.instances, canister)
        for canister in node.state.canisters.values()
        if canister.installed
    }
    snapshot = NodeSnapshot(node, node.state.copy(), memories)
    if node.journal is not None:
        node.journal.pin(snapshot)
    return snapshot


def _mark(instances: InstancePool, canister: Canister) -> MemorySnapshot:
    with instances.lock(canister.id):
        return instances.instance(canister).snapshot()


def restore(snapshot: NetworkSnapshot, nodes: Nodes, clock: Clock) -> None:
    """Bring everything back to a snapshot; what runs at present is interrupted, calls under way are forgotten.

    Subnets that were added since are gone. Raises `ReplicaError` for a closed or foreign snapshot, and for one with a
    subnet whose folder is gone.
    """
    wanted = [part.node for part in snapshot.parts]
    if snapshot.closed or wanted[0] is not nodes.root:
        raise ReplicaError("this snapshot is closed or was taken of another replica")
    nodes.root.runner.call(lambda: _restore(snapshot, nodes, wanted, clock), urgent=True)


def _restore(snapshot: NetworkSnapshot, nodes: Nodes, wanted: Sequence[Node], clock: Clock) -> None:
    if any(node.journal is not None and node not in nodes.all for node in wanted):
        raise ReplicaError(
            "this snapshot has a subnet that is gone from the state folder: the network was put back to a moment "
            "before the subnet was added"
        )
    runner = nodes.root.runner
    runner.forget_calls("the network was put back to a snapshot while this call was under way")
    for node in nodes.all:
        node.scheduler.long.abort()
    nodes.select(wanted)
    pages = [_restore_memories(part) for part in snapshot.parts]
    clock.reset(snapshot.clock)
    bitcoin = snapshot.bitcoin.copy()
    for part, changed in zip(snapshot.parts, pages, strict=True):
        part.node.replace_state(part.state.copy(), changed)
        part.node.scheduler.long.adopt(part.long)
        part.node.scheduler.bitcoin = bitcoin
    runner.heartbeat_ns = snapshot.heartbeat_ns
    runner.set_held(held=snapshot.held)
    nodes.keep()
    watch = nodes.root.watch
    if watch is not None and snapshot.mark is not None:
        watch.rewind(snapshot.mark)


def _restore_memories(part: NodeSnapshot) -> list[tuple[bytes, Pages]]:
    """Bring the memories of a subnet back; returns what changed, for the journal."""
    instances, journaled = part.node.instances, part.node.journal is not None
    instances.keep_only(part.memories)
    pages = []
    for canister_id, memory in part.memories.items():
        with instances.lock(canister_id):
            live = instances.live(canister_id)
            if live is None:
                instances.put(canister_id, memory.revive())
                continue
            diff = live.restore(memory)
        if diff is not None and journaled:
            changed = Pages(diff.heap_size, diff.stable_size, diff.globals, tuple(diff))
            pages.append((canister_id, changed))
    return pages


def state_hash(nodes: Nodes) -> bytes:
    """SHA-256 over the state of all canisters, memories included, and of the network's counters.

    Not part of it, because they depend on callers and not on what was done: the records of signed requests
    (their ids hold nonces and expiry times) and the statistics of queries.
    """
    return nodes.root.runner.call(lambda: _joint_hash(nodes.all))


def _joint_hash(nodes: Sequence[Node]) -> bytes:
    hashes = [_state_hash(node) for node in nodes]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(b"".join(hashes)).digest()


def _state_hash(node: Node) -> bytes:
    state = node.state
    bare = replace(state, canisters={}, requests={})
    hasher = hashlib.sha256(cbor.encode(to_plain(bare)))
    for _, canister in sorted(state.canisters.items()):
        hasher.update(cbor.encode(_plain(canister)))
        hasher.update(_memory_hash(node.instances, canister))
    return hasher.digest()


def _plain(canister: Canister) -> Any:
    return to_plain(replace(canister, queries=0, query_instructions=0, query_bytes_in=0, query_bytes_out=0))


def stable_memory(instances: InstancePool, canister: Canister) -> bytes:
    """The stable memory of a canister at this moment; none when it has no code."""
    if not canister.installed:
        return b""
    return bytes(instances.export_state(canister).stable)


def replace_stable_memory(node: Node, canister: Canister, content: bytes) -> None:
    """Replace the stable memory of an installed canister; main memory and globals stay. For commands of the runner.

    `content` is padded with zeros to whole Wasm pages. The change is published by the next round. Raises
    `ReplicaError` for a canister without code.
    """
    if not canister.installed:
        raise ReplicaError(f"canister {Principal(canister.id)} has no code, so it has no stable memory")
    instances = node.instances
    node.scheduler.long.remove(canister.id)
    with instances.lock(canister.id):
        image = instances.instance(canister).export_state()
        padded = content + bytes(-len(content) % WASM_PAGE)
        instance = instances.engine.load_state(
            instances.module(canister), replace(image, stable=SparseBytes.of(padded))
        )
        instances.drop(canister.id)
        instances.put(canister.id, instance)
    node.scheduler.touch(canister)
    node.scheduler.changes.replaced.add(canister.id)
    if node.watch is not None:
        node.watch.stable_replaced(node, canister, content)


def _memory_hash(instances: InstancePool, canister: Canister) -> bytes:
    if not canister.installed:
        return b""
    image = instances.export_state(canister)
    hasher = hashlib.sha256(image.heap.sha256())
    hasher.update(image.stable.sha256())
    hasher.update(cbor.encode(list(image.globals)))
    return hasher.digest()
