"""Uploads a snapshot from a folder.

The folder is checked as a whole before anything is sent. What was accepted is recorded in a file beside it
(`NAME.upload-<canister>-<network>`), from which an upload that was interrupted or killed continues; it is deleted at
the end. A new snapshot is zeros, so slices of zeros are not sent.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from ic_harness.agent import Management
from ic_harness.errors import InputError, RejectError
from ic_harness.principal import Principal

from .download import Progress, unwatched
from .manifest import CHUNKS, FORK_FILE, Manifest, check_folder, chunk_file, encoded, file_of
from .record import Record

_BEGUN: Final = "snapshot"
_SENT: Final = "wasm_module_size", "wasm_memory_size", "stable_memory_size", "globals", "certified_data"


def upload_snapshot(
    management: Management,
    canister: Principal,
    folder: Path,
    *,
    network_key: bytes,
    replace: bytes | None = None,
    verify: bool = False,
    progress: Progress = unwatched,
) -> bytes:
    """Upload a folder as a new snapshot of a canister, and return the id of the snapshot.

    `network_key` is the root key of the network. `replace` is the id of a snapshot that the new one takes the place of.
    With `verify` everything is read back and compared. Raises `InputError` for a damaged folder, and the errors of
    `Management`.
    """
    if (folder / FORK_FILE).exists():
        raise InputError(
            f"{folder} is a fork: it was downloaded to be run on this machine, and is never uploaded. For a "
            "folder that can be restored: ic-harness snapshot download"
        )
    manifest = check_folder(folder)
    place = hashlib.sha256(network_key).hexdigest()[:16]
    path = folder.with_name(f"{folder.name}.upload-{canister}-{place}")
    with Record(path) as record:
        snapshot = _begin(management, canister, manifest, record, replace)
        _send(management, canister, snapshot, folder, manifest, record, progress)
        if verify:
            _compare(management, canister, snapshot, folder, manifest)
        path.unlink()
    return snapshot


def _begin(
    management: Management, canister: Principal, manifest: Manifest, record: Record, replace: bytes | None
) -> bytes:
    """Continue the recorded upload when the canister still has it and it is of this folder, or begin."""
    fingerprint = hashlib.sha256(repr(sorted(manifest.digests.items())).encode()).hexdigest()
    known = [name for name, _ in record.done if name.startswith(f"{_BEGUN}-")]
    if known and record.done[known[0], 0] == fingerprint:
        snapshot = bytes.fromhex(known[0].partition("-")[2])
        if _is_there(management, canister, snapshot, manifest):
            return snapshot
    record.clear()
    snapshot = management.upload_canister_snapshot_metadata(canister, manifest.metadata, replace=replace)
    record.add(f"{_BEGUN}-{snapshot.hex()}", 0, fingerprint)
    return snapshot


def _is_there(management: Management, canister: Principal, snapshot: bytes, manifest: Manifest) -> bool:
    present = {record["id"] for record in management.list_canister_snapshots(canister)}
    if snapshot not in present:
        return False
    there = encoded(management.read_canister_snapshot_metadata(canister, snapshot))
    here = encoded(manifest.metadata)
    return all(there[name] == here[name] for name in _SENT)


def _send(
    management: Management,
    canister: Principal,
    snapshot: bytes,
    folder: Path,
    manifest: Manifest,
    record: Record,
    progress: Progress,
) -> None:
    done = 0
    for region, offset, size in manifest.slices():
        if (region, offset) not in record.done:
            content = _read(file_of(folder, region), offset, size)
            if content.count(0) != size:
                kind = {region: {"offset": offset}}
                management.upload_canister_snapshot_data(canister, snapshot, kind, content)
            record.add(region, offset, hashlib.sha256(content).hexdigest())
        done += size
        progress(done, manifest.total)
    for number, digest in enumerate(manifest.chunks):
        if (CHUNKS, number) not in record.done:
            content = chunk_file(folder, digest).read_bytes()
            management.upload_canister_snapshot_data(canister, snapshot, {"wasm_chunk": None}, content)
            record.add(CHUNKS, number, digest.hex())


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read(size)
    if len(content) != size:
        raise InputError(f"{path} was changed while it was uploaded")
    return content


def _compare(
    management: Management, canister: Principal, snapshot: bytes, folder: Path, manifest: Manifest
) -> None:
    """Raise `InputError` when the network returns other content than the folder has."""
    for region, offset, size in manifest.slices():
        kind = {region: {"offset": offset, "size": size}}
        found = management.read_canister_snapshot_data(canister, snapshot, kind)
        if found != _read(file_of(folder, region), offset, size):
            raise InputError(
                f"the network has other content than {file_of(folder, region)} at {offset}; upload it again"
            )
    for digest in manifest.chunks:
        chunk = {"wasm_chunk": {"hash": digest}}
        try:
            management.read_canister_snapshot_data(canister, snapshot, chunk)  # named by its hash
        except RejectError as error:
            raise InputError(f"the network has no chunk {digest.hex()}") from error
