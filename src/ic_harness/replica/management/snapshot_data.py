"""The content of canister snapshots: read in parts by callers, and as a whole when a canister loads it.

Interface specification, "Method read_canister_snapshot_metadata", "Method read_canister_snapshot_data".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final

from ic_harness.replica.execution import Instance, Module, ModuleInvalid
from ic_harness.replica.execution.instances import Blobs
from ic_harness.replica.management import refusals, snapshot_refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.snapshot_lookup import find, unpack_globals
from ic_harness.replica.state.config import SNAPSHOT_SEGMENT, SNAPSHOT_SLICE
from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.replicated_state import Canister, Snapshot, SnapshotUpload

REGIONS: Final = {"wasm_module": "module", "wasm_memory": "heap", "stable_memory": "stable"}
_KINDS: Final = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128"}
FORMATS: Final = {"i32": ("<i", "<I"), "i64": ("<q", "<Q"), "f32": ("<f", "<I"), "f64": ("<d", "<Q")}
_HOOKS: Final = {"unmet": "condition_not_satisfied", "ready": "ready", "executed": "executed"}
HOOK_NAMES: Final = {candid: ours for ours, candid in _HOOKS.items()}


# --- reading ------------------------------------------------------------------------------------------------


def read_metadata(call: Call) -> tuple[dict[str, Any]]:
    """Return the metadata of a snapshot."""
    canister = call.canister
    snapshot = find(call, canister, call.argument["snapshot_id"])
    sizes = {name: _size(call.instances.blobs, snapshot, region) for name, region in REGIONS.items()}
    timer = snapshot.global_timer_ns if snapshot.upload is None else snapshot.upload.global_timer_ns
    hook = snapshot.low_memory_hook if snapshot.upload is None else snapshot.upload.low_memory_hook
    return (
        {
            "source": {"metadata_upload" if snapshot.uploaded else "taken_from_canister": None},
            "taken_at_timestamp": snapshot.taken_ns,
            "wasm_module_size": sizes["wasm_module"],
            "globals": _globals(call, snapshot),
            "wasm_memory_size": sizes["wasm_memory"],
            "stable_memory_size": sizes["stable_memory"],
            "wasm_chunk_store": [{"hash": digest} for digest in sorted(dict(snapshot.chunks))],
            "canister_version": snapshot.canister_version,
            "certified_data": snapshot.certified_data,
            "global_timer": None if timer is None else _timer(timer),
            "on_low_wasm_memory_hook_status": None if hook is None else {_HOOKS[hook]: None},
        },
    )


def _timer(time_ns: int) -> dict[str, Any]:
    return {"active": time_ns} if time_ns else {"inactive": None}


def _globals(call: Call, snapshot: Snapshot) -> list[dict[str, Any]]:
    if snapshot.upload is not None:
        kinds: tuple[str, ...] = snapshot.upload.global_kinds
    else:
        kinds = global_kinds(call.instances.compile(call.instances.blobs.get(snapshot.module_hash)))
    return [
        {kind: _value(kind, bits)}
        for kind, bits in zip(kinds, unpack_globals(snapshot.globals_), strict=True)
    ]


def global_kinds(module: Module) -> tuple[str, ...]:
    """Return the types of a module's mutable globals: i32, i64, f32, f64 or v128."""
    return tuple(_KINDS[kind] for _, kind in module.native.traits.globals)


def _value(kind: str, bits: int) -> int | float:
    if kind == "v128":
        return bits
    value, pattern = FORMATS[kind]
    found: int | float = struct.unpack(value, struct.pack(pattern, bits))[0]
    return found


def read_data(call: Call) -> tuple[dict[str, bytes]]:
    """Return a range of the module or of a memory, or one chunk."""
    snapshot = find(call, call.canister, call.argument["snapshot_id"])
    ((kind, wanted),) = call.argument["kind"].items()
    blobs = call.instances.blobs
    if kind == "wasm_chunk":
        if wanted["hash"] not in dict(snapshot.chunks):
            raise ManagementReject(snapshot_refusals.no_such_chunk(wanted["hash"]))
        return ({"chunk": blobs.get(wanted["hash"])},)
    offset, size = wanted["offset"], wanted["size"]
    if size > SNAPSHOT_SLICE:
        raise ManagementReject(snapshot_refusals.slice_too_large(size, SNAPSHOT_SLICE))
    region = REGIONS[kind]
    if offset + size > _size(blobs, snapshot, region):
        raise ManagementReject(snapshot_refusals.outside(offset, size))
    return ({"chunk": _read(blobs, snapshot, region, offset, size)},)


def _digest(snapshot: Snapshot, region: str) -> bytes:
    """Return the hash of the one blob that is a region of a snapshot that was taken."""
    digests = {"module": snapshot.module_hash, "heap": snapshot.heap, "stable": snapshot.stable}
    return digests[region]


def _size(blobs: Blobs, snapshot: Snapshot, region: str) -> int:
    if snapshot.upload is None:
        return blobs.size(_digest(snapshot, region))
    size: int = getattr(snapshot.upload, f"{region}_size")
    return size


def _read(blobs: Blobs, snapshot: Snapshot, region: str, offset: int, size: int) -> bytes:
    """Return a range that lies within the region."""
    if snapshot.upload is None:
        return blobs.read(_digest(snapshot, region), offset, size)
    found = bytearray(size)
    segments = dict(getattr(snapshot.upload, region))
    for number in touched(offset, size):
        digest = segments.get(number)
        if digest is None:
            continue
        start = number * SNAPSHOT_SEGMENT
        begin, end = max(offset, start), min(offset + size, start + SNAPSHOT_SEGMENT)
        found[begin - offset : end - offset] = blobs.read(digest, begin - start, end - begin)
    return bytes(found)


def touched(offset: int, size: int) -> range:
    """Return the numbers of the segments in which a range lies."""
    return range(offset // SNAPSHOT_SEGMENT, -(-(offset + size) // SNAPSHOT_SEGMENT)) if size else range(0)


# --- loading ------------------------------------------------------------------------------------------------


def loaded(call: Call, canister: Canister, snapshot: Snapshot) -> tuple[Module, Instance]:
    """Return the code and memory of a snapshot, ready to run. Raises `ManagementReject`."""
    instances, upload = call.instances, snapshot.upload
    values = unpack_globals(snapshot.globals_)
    if upload is None:
        module = instances.compile(instances.blobs.get(snapshot.module_hash))
        image = StateImage(
            instances.blobs.get_sparse(snapshot.heap), instances.blobs.get_sparse(snapshot.stable), values
        )
        return module, instances.engine.load_state(module, image)
    try:
        module = instances.compile(_read(instances.blobs, snapshot, "module", 0, upload.module_size))
    except ModuleInvalid as problem:
        raise ManagementReject(refusals.invalid_wasm(canister.id, problem.message)) from None
    _check_upload(canister, upload, module)
    heap, stable = (segments_of(instances.blobs, upload, region) for region in ("heap", "stable"))
    return module, instances.engine.load_segments(module, heap, stable, values)


def _check_upload(canister: Canister, upload: SnapshotUpload, module: Module) -> None:
    """Raise `ManagementReject` when globals or the low-memory hook do not fit module and settings."""
    if upload.global_kinds != global_kinds(module):
        raise ManagementReject(
            snapshot_refusals.inconsistent(
                "Wasm exported globals of canister module and snapshot metadata do not match."
            )
        )
    settings = canister.settings
    low = (
        settings.wasm_memory_limit != 0
        and settings.wasm_memory_limit - upload.heap_size < settings.wasm_memory_threshold
    )
    if upload.low_memory_hook is not None and (upload.low_memory_hook != "unmet") != low:
        status = {"unmet": "ConditionNotSatisfied", "ready": "Ready", "executed": "Executed"}
        raise ManagementReject(
            snapshot_refusals.inconsistent(
                f"Hook status (Some({status[upload.low_memory_hook]})) of uploaded snapshot is inconsistent with the "
                f"canister's state (hook condition satisfied: {str(low).lower()})."
            )
        )


def segments_of(blobs: Blobs, upload: SnapshotUpload, region: str) -> tuple[int, Iterable[tuple[int, bytes]]]:
    """Return the size of an uploaded region, and what was written of it with the offset in bytes."""
    size: int = getattr(upload, f"{region}_size")
    written = ((number * SNAPSHOT_SEGMENT, blobs.get(digest)) for number, digest in getattr(upload, region))
    return size, written
