"""Canister snapshots: take, load, list, delete.

Interface specification, "Method take_canister_snapshot" and the sections after it. The memories of a snapshot are
blobs named by their hash, so equal ones are kept once.
"""

from __future__ import annotations

import struct
from typing import Any

from ic_harness.replica.execution.instances import Blobs
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.code import uninstall
from ic_harness.replica.state.config import MAX_SNAPSHOTS
from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.replicated_state import Canister, Snapshot


def pack_globals(values: tuple[int, ...]) -> bytes:
    """Write globals as little-endian 64-bit patterns."""
    return struct.pack(f"<{len(values)}Q", *values)


def unpack_globals(data: bytes) -> tuple[int, ...]:
    """Read what `pack_globals` wrote."""
    return struct.unpack(f"<{len(data) // 8}Q", data)


def load_image(blobs: Blobs, snapshot: Snapshot) -> StateImage:
    """The memory of a snapshot."""
    return StateImage(
        heap=blobs.get(snapshot.heap),
        stable=blobs.get(snapshot.stable),
        globals=unpack_globals(snapshot.globals_),
    )


def take_snapshot(call: Call) -> tuple[dict[str, Any]]:
    """Keep the state of a canister, optionally in place of an older snapshot or before uninstalling."""
    canister, argument = call.canister, call.argument
    call.check_version()
    replaced = argument.get("replace_snapshot")
    if replaced is not None and replaced not in canister.snapshots:
        raise _missing(canister, replaced)
    if replaced is None and len(canister.snapshots) >= MAX_SNAPSHOTS:
        raise ManagementReject(refusals.snapshot_limit(canister.id, MAX_SNAPSHOTS))
    if not canister.installed:
        raise ManagementReject(refusals.snapshot_of_nothing(canister.id))
    snapshot = _capture(call, canister)
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
    """Bring a canister back to a snapshot: code, memory, certified data and chunks."""
    call.check_version()
    canister = call.canister
    snapshot = canister.snapshots.get(call.argument["snapshot_id"])
    if snapshot is None:
        raise _missing(canister, call.argument["snapshot_id"])
    instances = call.instances
    module = instances.compile(instances.blobs.get(snapshot.module_hash))
    instance = instances.engine.load_state(module, load_image(instances.blobs, snapshot))
    with instances.lock(canister.id):
        instances.drop(canister.id)
        instances.put(canister.id, instance)
        canister.module_hash = snapshot.module_hash
        canister.certified_data = snapshot.certified_data
    canister.global_timer_ns = 0
    canister.low_memory_hook = snapshot.low_memory_hook
    canister.chunks = dict(snapshot.chunks)
    canister.version += 1
    call.remember(
        canister,
        "load_snapshot",
        snapshot_id=snapshot.id,
        snapshot_version=snapshot.canister_version,
        snapshot_time_ns=snapshot.taken_ns,
    )
    call.effects.memory_replaced.add(canister.id)
    call.changed(canister)
    return ()


def list_snapshots(call: Call) -> tuple[list[dict[str, Any]]]:
    """The snapshots of a canister, oldest first."""
    return ([_to_candid(snapshot) for snapshot in call.canister.snapshots.values()],)


def delete_snapshot(call: Call) -> tuple[()]:
    """Forget a snapshot."""
    canister, identifier = call.canister, call.argument["snapshot_id"]
    if identifier not in canister.snapshots:
        raise _missing(canister, identifier)
    del canister.snapshots[identifier]
    call.changed(canister)
    return ()


def _to_candid(snapshot: Snapshot) -> dict[str, Any]:
    return {"id": snapshot.id, "taken_at_timestamp": snapshot.taken_ns, "total_size": snapshot.size}


def _missing(canister: Canister, identifier: bytes) -> ManagementReject:
    return ManagementReject(refusals.snapshot_not_found(canister.id, identifier))
