"""Types of what the management canister returns; plain dictionaries at run time.

Interface specification, "IC method canister_status".
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from ic_harness.units import Cycles, Instructions

CanisterState: TypeAlias = Literal["running", "stopping", "stopped"]


class MemoryMetrics(TypedDict):
    """Memory of a canister by kind, in bytes."""

    wasm_memory_size: int
    stable_memory_size: int
    global_memory_size: int
    wasm_binary_size: int
    custom_sections_size: int
    canister_history_size: int
    wasm_chunk_store_size: int
    snapshots_size: int


class QueryStatistics(TypedDict):
    """What queries of a canister have used since it was created; sizes in bytes."""

    num_calls_total: int
    num_instructions_total: Instructions
    request_payload_bytes_total: int
    response_payload_bytes_total: int


class CanisterStatus(TypedDict):
    """The reply of `canister_status`; `status` has the state as its only key, sizes are in bytes."""

    status: dict[CanisterState, None]
    settings: dict[str, Any]
    module_hash: bytes | None
    memory_size: int
    memory_metrics: MemoryMetrics | None
    cycles: Cycles
    reserved_cycles: Cycles
    idle_cycles_burned_per_day: Cycles
    version: int | None
    ready_for_migration: bool | None
    query_stats: QueryStatistics
