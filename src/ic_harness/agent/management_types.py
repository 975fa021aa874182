# Made from protocol/management.did by `python -m ic_harness.agent.management_codegen`; do not edit.
"""Types of what the management canister returns; plain dictionaries at run time.

Interface specification, "The IC management canister". None stands where an older network sends nothing.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from ic_harness.principal import Principal
from ic_harness.units import Cycles, Instructions, Nanos

CanisterState: TypeAlias = Literal["running", "stopping", "stopped"]


LowMemoryHook: TypeAlias = Literal["condition_not_satisfied", "ready", "executed"]


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
    log_memory_store_size: int | None


class EnvironmentVariable(TypedDict):
    """A variable that the canister's code can read."""

    name: str
    value: str


class DefiniteCanisterSettings(TypedDict):
    """Settings of a canister; allocations in percent and bytes, the threshold in seconds."""

    controllers: list[Principal]
    compute_allocation: int
    memory_allocation: int
    freezing_threshold: int
    reserved_cycles_limit: int
    minimum_incoming_canister_call_cycles: int | None
    log_visibility: dict[str, Any]
    log_memory_limit: int | None
    snapshot_visibility: dict[str, Any] | None
    status_visibility: dict[str, Any] | None
    wasm_memory_limit: int
    wasm_memory_threshold: int | None
    environment_variables: list[EnvironmentVariable] | None


class QueryStats(TypedDict):
    """What queries of a canister have used since it was created; sizes in bytes."""

    num_calls_total: int
    num_instructions_total: Instructions
    request_payload_bytes_total: int
    response_payload_bytes_total: int


class CanisterStatus(TypedDict):
    """The reply of `canister_status`; `status` has the state as its only key, sizes are in bytes."""

    status: dict[CanisterState, None]
    ready_for_migration: bool | None
    version: int | None
    settings: DefiniteCanisterSettings
    module_hash: bytes | None
    memory_size: int
    memory_metrics: MemoryMetrics | None
    cycles: Cycles
    reserved_cycles: Cycles
    idle_cycles_burned_per_day: Cycles
    query_stats: QueryStats


class LogRecord(TypedDict):
    """One message in the log of a canister."""

    idx: int
    timestamp_nanos: Nanos
    content: bytes


class Snapshot(TypedDict):
    """A snapshot; its size is in bytes."""

    id: bytes
    taken_at_timestamp: Nanos
    total_size: int


class ChunkHash(TypedDict):
    """A chunk of the chunk store, by its SHA-256."""

    hash: bytes


class SnapshotMetadata(TypedDict):
    """What a snapshot holds; sizes are in bytes, chunks of the chunk store are named by their SHA-256."""

    source: dict[str, Any] | None
    taken_at_timestamp: Nanos
    wasm_module_size: int
    globals: list[dict[str, Any] | None]
    wasm_memory_size: int
    stable_memory_size: int
    wasm_chunk_store: list[ChunkHash]
    canister_version: int
    certified_data: bytes
    global_timer: dict[str, Any] | None
    on_low_wasm_memory_hook_status: dict[LowMemoryHook, None] | None


class CyclesConsumed(TypedDict):
    """Cycles that a canister has paid since it was created, by what they were paid for."""

    memory: Cycles
    compute_allocation: Cycles
    ingress_induction: Cycles
    instructions: Cycles
    request_and_response_transmission: Cycles
    uninstall: Cycles
    canister_creation: Cycles
    http_outcalls: Cycles
    burned_cycles: Cycles
