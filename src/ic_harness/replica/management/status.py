"""What can be learned about a canister: status, history, metadata, logs.

Interface specification, "Method canister_status", "Method canister_info", "Method canister_metadata", "Method
fetch_canister_logs". Figures are those of the record, but the memory, which is looked up.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

from ic_harness.principal import Principal
from ic_harness.replica.execution.charging import idle_per_day
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.memory_usage import memory_metrics
from ic_harness.replica.management import refusals
from ic_harness.replica.management import settings as canister_settings
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state.fees import Fees
from ic_harness.replica.state.replicated_state import Canister, Change, LogRecord, Status

MAX_LOG_ANSWER: Final = 2_000_000
"""Bytes of log records in one answer, as in DFINITY's replica."""


def canister_status(call: Call) -> tuple[dict[str, Any]]:
    """Everything about a canister, for those who may see it."""
    return status(call.canister, call.instances, call.view.subnet.fees)


def status(canister: Canister, instances: InstancePool, fees: Fees) -> tuple[dict[str, Any]]:
    """The status record of a canister."""
    metrics = memory_metrics(canister, instances)
    return (
        {
            "status": {canister.status.name.lower(): None},
            "ready_for_migration": canister.status is Status.STOPPED and not canister.queue,
            "version": canister.version,
            "settings": canister_settings.to_candid(canister.settings),
            "module_hash": canister.module_hash or None,
            "memory_size": sum(metrics.values()),
            "memory_metrics": metrics,
            "cycles": canister.cycles,
            "reserved_cycles": canister.reserved_cycles,
            "idle_cycles_burned_per_day": idle_per_day(canister, fees),
            "query_stats": {
                "num_calls_total": canister.queries,
                "num_instructions_total": canister.query_instructions,
                "request_payload_bytes_total": canister.query_bytes_in,
                "response_payload_bytes_total": canister.query_bytes_out,
            },
        },
    )


def canister_info(call: Call) -> tuple[dict[str, Any]]:
    """The history of a canister, its controllers and module."""
    canister = call.canister
    wanted = call.argument.get("num_requested_changes") or 0
    recent = canister.history[len(canister.history) - min(wanted, len(canister.history)) :]
    return (
        {
            "total_num_changes": canister.changes,
            "recent_changes": [_change(change) for change in recent],
            "module_hash": canister.module_hash or None,
            "controllers": [Principal(controller) for controller in canister.settings.controllers],
        },
    )


def _change(change: Change) -> dict[str, Any]:
    origin = Principal(change.origin)
    if change.by_canister:
        who = {"from_canister": {"canister_id": origin, "canister_version": change.origin_version}}
    else:
        who = {"from_user": {"user_id": origin}}
    return {
        "timestamp_nanos": change.time_ns,
        "canister_version": change.version,
        "origin": who,
        "details": {change.kind: _details(change)},
    }


def _details(change: Change) -> dict[str, Any] | None:
    controllers = [Principal(controller) for controller in change.controllers]
    match change.kind:
        case "creation":
            return {"controllers": controllers, "environment_variables_hash": None}
        case "controllers_change":
            return {"controllers": controllers}
        case "code_deployment":
            return {"mode": {change.mode: None}, "module_hash": change.module_hash}
        case "load_snapshot":
            return {
                "canister_version": change.snapshot_version,
                "from_canister_id": Principal(change.snapshot_from) if change.snapshot_from else None,
                "snapshot_id": change.snapshot_id,
                "source": {"metadata_upload" if change.snapshot_uploaded else "taken_from_canister": None},
                "taken_at_timestamp": change.snapshot_time_ns,
            }
        case "rename_canister":
            before, after = change.renamed_changes
            return {
                "canister_id": Principal(change.renamed_from),
                "total_num_changes": before,
                "rename_to": {
                    "canister_id": Principal(change.renamed_to),
                    "version": change.renamed_version,
                    "total_num_changes": after,
                },
                "requested_by": Principal(change.requested_by),
            }
    return None


def canister_metadata(call: Call) -> tuple[dict[str, Any]]:
    """A custom section of the module; private ones for controllers and the canister itself only."""
    canister = call.canister
    name = call.argument["name"]
    if not canister.installed:
        raise ManagementReject(refusals.no_module_for_metadata(canister.id))
    section = call.instances.module(canister).custom_sections.get(name)
    may_see = call.caller == canister.id or call.caller in canister.settings.controllers
    if section is None or not (section.public or may_see):
        raise ManagementReject(refusals.no_metadata(canister.id, name))
    return ({"value": section.content},)


def fetch_canister_logs(call: Call) -> tuple[dict[str, Any]]:
    """The log of a canister, for a calling canister."""
    return canister_logs(call.canister, call.caller, call.argument["filter"])


def canister_logs(
    canister: Canister, viewer: bytes, selection: Mapping[str, Mapping[str, int]] | None
) -> tuple[dict[str, Any]]:
    """The log of a canister, or the part in a `selection`: by_idx or by_timestamp_nanos, from start to before end.

    An answer has at most `MAX_LOG_ANSWER` bytes: the newest records without a selection, the oldest with one.
    Raises `ManagementReject` for viewers that may not see it.
    """
    settings = canister.settings
    if not canister_settings.may_view(settings.log_visibility, viewer, settings.controllers):
        raise ManagementReject(refusals.logs_hidden(viewer))
    records = canister.logs if selection is None else _selected(canister.logs, selection)
    shown = _fitting(records) if selection else _fitting(records[::-1])[::-1]
    return (
        {
            "canister_log_records": [
                {"idx": record.index, "timestamp_nanos": record.time_ns, "content": record.content}
                for record in shown
            ]
        },
    )


def _selected(records: list[LogRecord], selection: Mapping[str, Mapping[str, int]]) -> list[LogRecord]:
    ((kind, span),) = selection.items()
    name = {"by_idx": "index", "by_timestamp_nanos": "time_ns"}[kind]
    return [record for record in records if span["start"] <= getattr(record, name) < span["end"]]


def _fitting(records: list[LogRecord]) -> list[LogRecord]:
    """The first records that fit into an answer together."""
    sizes = itertools.accumulate(record.size for record in records)
    return [record for record, size in zip(records, sizes, strict=True) if size <= MAX_LOG_ANSWER]
