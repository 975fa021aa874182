"""Why a call about the content of a snapshot, or about moving a canister, is refused: error code and text, by case.

Codes and texts are those of DFINITY's replica, as in `refusals`.
"""

from __future__ import annotations

from ic_harness.replica.management import refusals
from ic_harness.replica.state.rejects import DOCS, Code, name, reject
from ic_harness.replica.state.replicated_state import Rejected


def other_owner(canister: bytes, snapshot: bytes) -> Rejected:
    """The snapshot belongs to another canister."""
    return reject(
        Code.REJECTED,
        f"The snapshot {snapshot.hex()} does not belong to canister {name(canister)}.\n"
        "Use the `list_canister_snapshot` API to see which snapshots are present. "
        f"See documentation: {DOCS}#canister-snapshot-invalid-ownership",
    )


def other_controller(canister: bytes, snapshot: bytes, caller: bytes) -> Rejected:
    """The caller does not control the canister that the snapshot belongs to."""
    return reject(
        Code.REJECTED,
        f"Only a controller of the canister that snapshot {snapshot.hex()} belongs to can load it on canister "
        f"{name(canister)}. Sender: {name(caller)}.",
    )


def immutable() -> Rejected:
    """The snapshot was taken of a canister, so nothing can be written into it."""
    return reject(
        Code.SNAPSHOT_IMMUTABLE, "Only canister snapshots created by metadata upload can be mutated."
    )


def outside(offset: int, size: int) -> Rejected:
    """A range of bytes is not within the module or memory."""
    return reject(
        Code.INVALID_ARGUMENT,
        f"Invalid subslice into wasm module / main memory / stable memory: offset: {offset}, size: {size}",
    )


def slice_too_large(asked: int, limit: int) -> Rejected:
    """More bytes than one call returns."""
    return reject(Code.INVALID_ARGUMENT, f"Requested slice too large: {asked} > {limit}")


def bad_metadata(problem: str) -> Rejected:
    """The metadata describes no snapshot that a canister could have."""
    return reject(Code.INVALID_ARGUMENT, f"Snapshot Metadata contains invalid data: {problem}")


def inconsistent(problem: str) -> Rejected:
    """An uploaded snapshot does not fit together."""
    return reject(Code.INVALID_ARGUMENT, problem)


def no_such_chunk(digest: bytes) -> Rejected:
    """A snapshot has no chunk with this hash."""
    listed = f"[{', '.join(f'{byte:02x}' for byte in digest)}]"
    if len(digest) != 32:
        return refusals.chunk_store(f"Bytes {listed} are not a valid WasmChunkHash.")
    return refusals.chunk_store(f"WasmChunkHash {listed} not found.")


def not_authorized() -> Rejected:
    """The method is for certain callers only, and this is none of them."""
    return reject(Code.REJECTED, "The caller is not authorized to call this method.")


def rename_not_stopped(canister: bytes) -> Rejected:
    """Only a stopped canister can be renamed."""
    return reject(
        Code.NOT_STOPPED,
        f"Canister {name(canister)} must be stopped before it is renamed.\nStop the canister before renaming.",
    )


def rename_with_snapshots(canister: bytes) -> Rejected:
    """A canister with snapshots cannot be renamed."""
    return reject(
        Code.NOT_EMPTY,
        f"Canister {name(canister)} must not have any snapshots before it is renamed.\n"
        "Delete all snapshots before renaming.",
    )
