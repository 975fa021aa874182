"""Canister snapshots: take, load, list, delete.

Interface specification, "Method take_canister_snapshot" and the sections after it. The memories of a snapshot are
blobs named by their hash, so equal ones are kept once.
"""

from __future__ import annotations

from typing import Any

from ic_harness.replica.execution.charging import set_aside
from ic_harness.replica.management import refusals, snapshot_refusals
from ic_harness.replica.management.allocations import check_growth, consume, out_of_cycles
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.code import uninstall
from ic_harness.replica.management.snapshot_data import loaded
from ic_harness.replica.management.snapshot_lookup import find, owner_of, pack_globals
from ic_harness.replica.state.config import MAX_SNAPSHOTS
from ic_harness.replica.state.fees import SNAPSHOT_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import Canister, Snapshot


def take_snapshot(call: Call) -> tuple[dict[str, Any]]:
    """Keep the state of a canister, optionally in place of an older snapshot or before uninstalling."""
    canister, argument = call.canister, call.argument
    call.check_version()
    replaced = argument.get("replace_snapshot")
    if replaced is not None:
        find(call, canister, replaced)
    if replaced is None and len(canister.snapshots) >= MAX_SNAPSHOTS:
        raise ManagementReject(refusals.snapshot_limit(canister.id, MAX_SNAPSHOTS))
    if not canister.installed:
        raise ManagementReject(refusals.snapshot_of_nothing(canister.id))
    snapshot = _capture(call, canister)
    freed = canister.snapshots[replaced].size if replaced is not None else 0
    reserve = check_growth(call, canister, canister.memory_used + snapshot.size - freed)
    _pay(call, canister, snapshot)
    set_aside(canister, reserve)
    if replaced is not None:
        del canister.snapshots[replaced]
    canister.snapshots[snapshot.id] = snapshot
    canister.next_snapshot += 1
    if argument.get("uninstall_code"):
        uninstall(call, canister)
    call.changed(canister)
    return (_to_candid(snapshot),)


def _capture(call: Call, canister: Canister) -> Snapshot:
    image = call.instances.export_state(canister)
    blobs = call.instances.blobs
    identifier = canister.next_snapshot.to_bytes(8, "big") + canister.id
    return Snapshot(
        id=identifier,
        taken_ns=call.now_ns,
        canister_version=canister.version,
        module_hash=canister.module_hash,
        certified_data=canister.certified_data,
        global_timer_ns=canister.global_timer_ns,
        heap=blobs.put(image.heap),
        stable=blobs.put(image.stable),
        globals_=pack_globals(image.globals),
        chunks=tuple(canister.chunks.items()),
        size=len(image.heap)
        + len(image.stable)
        + call.instances.module(canister).size
        + sum(canister.chunks.values()),
        low_memory_hook=canister.low_memory_hook,
    )


def load_snapshot(call: Call) -> tuple[()]:
    """Bring a canister back to a snapshot, perhaps of another canister: code, memory, certified data and chunks."""
    call.check_version()
    canister = call.canister
    owner, snapshot = _loadable(call, canister, call.argument["snapshot_id"])
    _pay(call, canister, snapshot)
    module, instance = loaded(call, canister, snapshot)
    instances = call.instances
    with instances.lock(canister.id):
        instances.drop(canister.id)
        instances.put(canister.id, instance)
        canister.module_hash = instances.blobs.put(module.wasm)
        canister.certified_data = snapshot.certified_data
    _set_tasks(canister, snapshot)
    canister.chunks = dict(snapshot.chunks)
    canister.version += 1
    call.remember(
        canister,
        "load_snapshot",
        snapshot_id=snapshot.id,
        snapshot_version=snapshot.canister_version,
        snapshot_time_ns=snapshot.taken_ns,
        snapshot_uploaded=snapshot.uploaded,
        snapshot_from=b"" if owner is canister else owner.id,
    )
    call.effects.memory_replaced.add(canister.id)
    call.changed(canister)
    return ()


def _set_tasks(canister: Canister, snapshot: Snapshot) -> None:
    """Set the global timer and the low-memory hook; an upload that leaves them out changes neither."""
    upload = snapshot.upload
    if upload is None:
        canister.global_timer_ns = 0
        canister.low_memory_hook = snapshot.low_memory_hook
        return
    if upload.global_timer_ns is not None:
        canister.global_timer_ns = upload.global_timer_ns
    if upload.low_memory_hook is not None:
        canister.low_memory_hook = upload.low_memory_hook


def _loadable(call: Call, canister: Canister, identifier: bytes) -> tuple[Canister, Snapshot]:
    """Find a snapshot that the caller may load, and the canister it belongs to. Raises `ManagementReject`."""
    owner = owner_of(call, identifier)
    if owner is None:
        raise ManagementReject(refusals.snapshot_not_found(canister.id, identifier))
    if owner is not canister and call.caller not in owner.settings.controllers:
        raise ManagementReject(snapshot_refusals.other_controller(canister.id, identifier, call.caller))
    return owner, owner.snapshots[identifier]


def list_snapshots(call: Call) -> tuple[list[dict[str, Any]]]:
    """The snapshots of a canister, oldest first."""
    return ([_to_candid(snapshot) for snapshot in call.canister.snapshots.values()],)


def delete_snapshot(call: Call) -> tuple[()]:
    """Forget a snapshot."""
    canister = call.canister
    del canister.snapshots[find(call, canister, call.argument["snapshot_id"]).id]
    call.changed(canister)
    return ()


def _pay(call: Call, canister: Canister, snapshot: Snapshot) -> None:
    """Charge for taking or loading a snapshot. Raises `ManagementReject` (IC0207)."""
    cost = call.view.subnet.fees.instructions(SNAPSHOT_INSTRUCTIONS + snapshot.size)
    unpaid = out_of_cycles(call, canister, cost)
    if unpaid is not None:
        raise ManagementReject(refusals.snapshot_unpaid(unpaid))
    consume(call, canister, cost)


def _to_candid(snapshot: Snapshot) -> dict[str, Any]:
    return {"id": snapshot.id, "taken_at_timestamp": snapshot.taken_ns, "total_size": snapshot.size}
