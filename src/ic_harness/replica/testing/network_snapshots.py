"""Snapshots of the whole network, and a hash of its state.

Taking a snapshot copies the state's records and marks the memories; nothing of the memories is copied until
it changes. Going back costs what was changed since.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ic_harness.errors import ReplicaError
from ic_harness.protocol import cbor
from ic_harness.replica.execution import MemorySnapshot
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.replicated_state import Canister, ReplicatedState
from ic_harness.replica.store import to_plain


class NetworkSnapshot:
    """A moment of a network. It can be restored any number of times, into its own replica only."""

    def __init__(
        self, node: Node, state: ReplicatedState, memories: dict[bytes, MemorySnapshot], clock: int
    ) -> None:
        self.node = node
        self.state = state
        self.memories = memories
        self.clock = clock
        self.heartbeat_ns = node.runner.heartbeat_ns
        self.held = node.runner.is_held
        self.closed = False

    def close(self) -> None:
        """Forget the moment, so that pages changed since need not be kept."""
        if not self.closed:
            self.closed = True
            with suppress(ReplicaError):  # of a replica that has stopped nothing is kept any more
                self.node.runner.post(self._forget)

    def _forget(self) -> None:
        for memory in self.memories.values():
            memory.close()


def take(node: Node, clock: Clock) -> NetworkSnapshot:
    """Remember the present state of everything."""
    return node.runner.call(lambda: _take(node, clock))


def _take(node: Node, clock: Clock) -> NetworkSnapshot:
    memories = {
        canister.id: _mark(node.instances, canister)
        for canister in node.state.canisters.values()
        if canister.installed
    }
    snapshot = NetworkSnapshot(node, node.state.copy(), memories, clock.mark())
    if node.journal is not None:
        node.journal.pin(snapshot)
    return snapshot


def _mark(instances: InstancePool, canister: Canister) -> MemorySnapshot:
    with instances.lock(canister.id):
        return instances.instance(canister).snapshot()


def restore(snapshot: NetworkSnapshot, node: Node, clock: Clock) -> None:
    """Bring everything back to a snapshot; what runs at present is interrupted, calls under way are forgotten.

    Raises `ReplicaError` for a closed or foreign one.
    """
    if snapshot.closed or snapshot.node is not node:
        raise ReplicaError("this snapshot is closed or was taken of another replica")
    node.runner.call(lambda: _restore(snapshot, node, clock), urgent=True)


def _restore(snapshot: NetworkSnapshot, node: Node, clock: Clock) -> None:
    instances, runner = node.instances, node.runner
    runner.forget_calls("the network was put back to a snapshot while this call was under way")
    instances.keep_only(snapshot.memories)
    for canister_id, memory in snapshot.memories.items():
        with instances.lock(canister_id):
            live = instances.live(canister_id)
            if live is None:
                instances.put(canister_id, memory.revive())
            else:
                live.restore(memory)
    clock.reset(snapshot.clock)
    node.replace_state(snapshot.state.copy())
    runner.heartbeat_ns = snapshot.heartbeat_ns
    runner.set_held(held=snapshot.held)


def state_hash(node: Node) -> bytes:
    """SHA-256 over the state of all canisters, memories included, and of the network's counters.

    Not part of it, because they depend on callers and not on what was done: the records of signed requests
    (their ids hold nonces and expiry times) and the statistics of queries.
    """
    return node.runner.call(lambda: _state_hash(node))


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
    return instances.export_state(canister).stable


def _memory_hash(instances: InstancePool, canister: Canister) -> bytes:
    if not canister.installed:
        return b""
    image = instances.export_state(canister)
    hasher = hashlib.sha256(hashlib.sha256(image.heap).digest())
    hasher.update(hashlib.sha256(image.stable).digest())
    hasher.update(cbor.encode(list(image.globals)))
    return hasher.digest()
