"""Canister snapshots that are made of uploaded content.

Interface specification, "Method upload_canister_snapshot_metadata", "Method upload_canister_snapshot_data".

An upload begins with metadata, which declare the size of module and memories; all of it is zeros then. What is
written is kept in segments (`SnapshotUpload`), blobs named by their hash: a call changes at most three of them,
whatever the size of the snapshot.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ic_harness.replica.execution.instances import Blobs
from ic_harness.replica.management import refusals, snapshot_refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.chunks import check_chunk
from ic_harness.replica.management.snapshot_data import FORMATS, HOOK_NAMES, REGIONS, touched
from ic_harness.replica.management.snapshot_lookup import find, pack_globals
from ic_harness.replica.state.config import (
    MAX_CERTIFIED_DATA,
    MAX_GLOBALS,
    MAX_HEAP,
    MAX_SNAPSHOTS,
    MAX_STABLE,
    SNAPSHOT_SEGMENT,
)
from ic_harness.replica.state.replicated_state import Canister, Snapshot, SnapshotUpload
from ic_harness.units import MIB, WASM_PAGE

MAX_MODULE: Final = 100 * MIB


def upload_metadata(call: Call) -> tuple[dict[str, bytes]]:
    """Begin an upload: make a snapshot of zeros with the given sizes."""
    canister, argument = call.canister, call.argument
    _check_metadata(argument)
    replaced = argument["replace_snapshot"]
    if replaced is not None:
        find(call, canister, replaced)
    elif len(canister.snapshots) >= MAX_SNAPSHOTS:
        raise ManagementReject(refusals.snapshot_limit(canister.id, MAX_SNAPSHOTS))
    snapshot = _begun(call, canister, argument)
    if replaced is not None:
        del canister.snapshots[replaced]
    canister.snapshots[snapshot.id] = snapshot
    canister.next_snapshot += 1
    call.changed(canister)
    return ({"snapshot_id": snapshot.id},)


def _check_metadata(argument: Mapping[str, Any]) -> None:
    """Raise `ManagementReject` for what no canister could have."""
    limits = {"wasm_module_size": MAX_MODULE, "wasm_memory_size": MAX_HEAP, "stable_memory_size": MAX_STABLE}
    for field, limit in limits.items():
        if argument[field] > limit:
            raise ManagementReject(
                snapshot_refusals.bad_metadata(f"{field} is {argument[field]}, at most {limit} is possible")
            )
        if field != "wasm_module_size" and argument[field] % WASM_PAGE:
            raise ManagementReject(
                snapshot_refusals.bad_metadata(
                    f"{field} is {argument[field]}, which is no multiple of the Wasm page size {WASM_PAGE}"
                )
            )
    for field, limit in {"globals": MAX_GLOBALS, "certified_data": MAX_CERTIFIED_DATA}.items():
        if len(argument[field]) > limit:
            raise ManagementReject(
                snapshot_refusals.bad_metadata(
                    f"{field} has {len(argument[field])} elements, at most {limit}"
                )
            )


def _begun(call: Call, canister: Canister, argument: Mapping[str, Any]) -> Snapshot:
    timer, hook = argument["global_timer"], argument["on_low_wasm_memory_hook_status"]
    values = [next(iter(one.items())) for one in argument["globals"]]
    upload = SnapshotUpload(
        module_size=argument["wasm_module_size"],
        heap_size=argument["wasm_memory_size"],
        stable_size=argument["stable_memory_size"],
        global_kinds=tuple(kind for kind, _ in values),
        global_timer_ns=None if timer is None else timer.get("active", 0),
        low_memory_hook=None if hook is None else HOOK_NAMES[next(iter(hook))],
    )
    return Snapshot(
        id=canister.next_snapshot.to_bytes(8, "big") + canister.id,
        taken_ns=call.now_ns,
        canister_version=canister.version,
        module_hash=b"",
        certified_data=argument["certified_data"],
        global_timer_ns=0,
        heap=b"",
        stable=b"",
        globals_=pack_globals(tuple(_bits(kind, value) for kind, value in values)),
        chunks=(),
        size=upload.module_size + upload.heap_size + upload.stable_size,
        uploaded=True,
        upload=upload,
    )


def upload_data(call: Call) -> tuple[()]:
    """Write into an upload: a range of the module or of a memory, or a chunk."""
    canister, content = call.canister, call.argument["chunk"]
    snapshot = find(call, canister, call.argument["snapshot_id"])
    if snapshot.upload is None:
        raise ManagementReject(snapshot_refusals.immutable())
    ((kind, place),) = call.argument["kind"].items()
    if kind == "wasm_chunk":
        changed = _with_chunk(call, snapshot, content)
    else:
        changed = _written(call.instances.blobs, snapshot, REGIONS[kind], place["offset"], content)
    canister.snapshots[snapshot.id] = changed
    call.changed(canister)
    return ()


def _with_chunk(call: Call, snapshot: Snapshot, content: bytes) -> Snapshot:
    stored = dict(snapshot.chunks)
    digest = check_chunk(stored, content)
    if digest in stored:
        return snapshot
    call.instances.blobs.put(content)
    return replace(
        snapshot, chunks=(*snapshot.chunks, (digest, len(content))), size=snapshot.size + len(content)
    )


def _written(blobs: Blobs, snapshot: Snapshot, region: str, offset: int, content: bytes) -> Snapshot:
    upload = snapshot.upload
    assert upload is not None, "bug: written into a snapshot that was taken"
    total = getattr(upload, f"{region}_size")
    end = offset + len(content)
    if end > total:
        raise ManagementReject(snapshot_refusals.outside(offset, len(content)))
    segments = dict(getattr(upload, region))
    for number in touched(offset, len(content)):
        start = number * SNAPSHOT_SEGMENT
        stop = min(start + SNAPSHOT_SEGMENT, total)
        begin = max(offset, start)
        piece = content[begin - offset : min(end, stop) - offset]
        if len(piece) < stop - start:
            piece = _patched(blobs, segments.get(number), stop - start, begin - start, piece)
        segments[number] = blobs.put(piece)
    changed: dict[str, Any] = {region: tuple(sorted(segments.items()))}
    return replace(snapshot, upload=replace(upload, **changed))


def _patched(blobs: Blobs, digest: bytes | None, length: int, at: int, piece: bytes) -> bytes:
    """Return a segment with a piece of it replaced."""
    old = bytes(length) if digest is None else blobs.get(digest)
    return old[:at] + piece + old[at + len(piece) :]


def _bits(kind: str, value: float) -> int:
    if kind == "v128":
        if not 0 <= value < 1 << 128:
            raise ManagementReject(snapshot_refusals.bad_metadata("a v128 global has more than 128 bits"))
        return int(value)
    form, pattern = FORMATS[kind]
    found: int = struct.unpack(pattern, struct.pack(form, value))[0]
    return found
