"""Puts a state that comes from elsewhere into a canister: code, memories, globals, certified data, chunks.

What `load_canister_snapshot` does with an upload, without the upload: the parts are written into the memories as they
are read, and nothing of them is kept beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ic_harness.errors import ReplicaError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.execution import ModuleInvalid
from ic_harness.replica.execution.memory_usage import memory_used
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.state.replicated_state import Canister

Region: TypeAlias = tuple[int, Iterable[tuple[int, bytes]]]
"""A memory: its size in bytes, and its parts with their offsets in bytes; whole Wasm pages, zeros elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanisterState:
    """The state to put into a canister; `globals_` are bits as unsigned integers, `global_timer_ns` 0 is no timer."""

    module: bytes
    heap: Region
    stable: Region
    globals_: tuple[int, ...]
    certified_data: bytes
    chunks: Sequence[bytes] = ()
    version: int = 0
    global_timer_ns: int = 0


def load_canister(node: Node, canister: Canister, state: CanisterState) -> None:
    """Replace code and state of a canister between two rounds, and run one that publishes it.

    Raises `ReplicaError` for a module that is not valid, or that has other globals.
    """
    node.runner.call(lambda: _load(node, canister, state))
    node.runner.tick()


def _load(node: Node, canister: Canister, state: CanisterState) -> None:
    """Replace code and state of a canister; for commands of the runner.

    Raises `ReplicaError` for a module that is not valid, or that has other globals.
    """
    instances = node.instances
    try:
        module = instances.compile(state.module)
    except ModuleInvalid as problem:
        raise ReplicaError(
            f"the module of {Principal(canister.id)} is not valid: {problem.message}"
        ) from problem
    if len(module.native.traits.globals) != len(state.globals_):
        raise ReplicaError(
            f"the state of {Principal(canister.id)} has {len(state.globals_)} globals, its module "
            f"{len(module.native.traits.globals)}"
        )
    node.scheduler.long.remove(canister.id)
    with instances.lock(canister.id):
        instance = instances.engine.load_segments(module, state.heap, state.stable, state.globals_)
        instances.drop(canister.id)
        instances.put(canister.id, instance)
    canister.module_hash = instances.blobs.put(module.wasm)
    canister.certified_data = state.certified_data
    canister.chunks = {instances.blobs.put(chunk): len(chunk) for chunk in state.chunks}
    canister.version = max(canister.version, state.version) + 1
    canister.global_timer_ns = state.global_timer_ns
    canister.installed_ns = node.state.time_ns
    canister.memory_used = memory_used(canister, instances)
    scheduler = node.scheduler
    scheduler.count_memory(canister)
    scheduler.touch(canister)
    scheduler.watch(canister)
    scheduler.changes.replaced.add(canister.id)
