"""Finds snapshots by id, and packs the values of globals that they hold."""

from __future__ import annotations

import struct

from ic_harness.replica.management import refusals, snapshot_refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state.replicated_state import Canister, Snapshot


def pack_globals(values: tuple[int, ...]) -> bytes:
    """Write globals as little-endian bit patterns: of 64 bits, or after a zero byte of 128 where one needs them."""
    if all(value < 1 << 64 for value in values):
        return struct.pack(f"<{len(values)}Q", *values)
    return b"\0" + b"".join(value.to_bytes(16, "little") for value in values)


def unpack_globals(data: bytes) -> tuple[int, ...]:
    """Read what `pack_globals` wrote."""
    if len(data) % 8 == 0:
        return struct.unpack(f"<{len(data) // 8}Q", data)
    return tuple(int.from_bytes(data[at : at + 16], "little") for at in range(1, len(data), 16))


def find(call: Call, canister: Canister, identifier: bytes) -> Snapshot:
    """Find a snapshot of a canister. Raises `ManagementReject` (IC0305; IC0406 for one of another canister)."""
    found = canister.snapshots.get(identifier)
    if found is not None:
        return found
    owner = owner_of(call, identifier)
    if owner is not None and owner is not canister:
        raise ManagementReject(snapshot_refusals.other_owner(canister.id, identifier))
    raise ManagementReject(refusals.snapshot_not_found(canister.id, identifier))


def owner_of(call: Call, identifier: bytes) -> Canister | None:
    """The canister that has a snapshot; its id follows the number of eight bytes."""
    owner = call.view.state.canisters.get(identifier[8:])
    return owner if owner is not None and identifier in owner.snapshots else None
