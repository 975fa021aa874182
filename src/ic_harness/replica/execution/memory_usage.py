"""The bytes that a canister uses, by kind: what `canister_status` reports and what storage is charged for."""

from __future__ import annotations

from typing import Final

from ic_harness.replica.execution.instance import Instance
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.module import Module
from ic_harness.replica.state.replicated_state import Canister

_HISTORY_ENTRY_BYTES: Final = 128
_CODE: Final = (
    "wasm_memory_size",
    "stable_memory_size",
    "global_memory_size",
    "wasm_binary_size",
    "custom_sections_size",
)


def memory_metrics(canister: Canister, instances: InstancePool) -> dict[str, int]:
    """The bytes that a canister uses, by kind."""
    metrics = _records(canister) | dict.fromkeys(_CODE, 0)
    if canister.installed:
        with instances.lock(canister.id):
            metrics |= _code(instances.instance(canister), instances.module(canister))
    return metrics


def memory_used(canister: Canister, instances: InstancePool) -> int:
    """All bytes that a canister uses."""
    return sum(memory_metrics(canister, instances).values())


def memory_with(canister: Canister, instance: Instance, module: Module) -> int:
    """All bytes that a canister will use when it has this code."""
    return sum(_records(canister).values()) + sum(_code(instance, module).values())


def _records(canister: Canister) -> dict[str, int]:
    return {
        "canister_history_size": _HISTORY_ENTRY_BYTES * len(canister.history),
        "wasm_chunk_store_size": sum(canister.chunks.values()),
        "snapshots_size": sum(snapshot.size for snapshot in canister.snapshots.values()),
        "log_memory_store_size": sum(record.size for record in canister.logs),
    }


def _code(instance: Instance, module: Module) -> dict[str, int]:
    sections = sum(len(name) + len(section.content) for name, section in module.custom_sections.items())
    sizes = (instance.heap_size, instance.stable_size, instance.globals_size, module.size, sections)
    return dict(zip(_CODE, sizes, strict=True))
