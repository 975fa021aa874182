"""Downloads a snapshot into a folder.

Everything is written into `NAME.part` beside the folder; it gets the name `NAME` when every file is whole, has its
SHA-256 in `metadata.json` and is on the disk. A download that was interrupted or killed continues from `NAME.part`:
slices that are there are checked against the hash that they had when they came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from ic_harness import portable_files
from ic_harness.agent import Management
from ic_harness.errors import InputError
from ic_harness.principal import Principal

from .content import Content, PlainContent, sha256
from .manifest import CHUNKS, Manifest, encoded
from .record import Record

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes in all."""

RECORD: Final = "slices"


def unwatched(done: int, total: int) -> None:
    """Show no progress."""


def unchecked(manifest: Manifest) -> None:
    """Accept everything that was downloaded."""


def download_snapshot(
    management: Management,
    canister: Principal,
    folder: Path,
    *,
    snapshot: bytes | None = None,
    keep: bool = False,
    progress: Progress = unwatched,
) -> Manifest:
    """Download a snapshot of a canister into a new folder; without `snapshot` one is taken for it.

    A snapshot that was taken for the download is deleted from the canister after it, unless `keep` is set. Returns what
    was downloaded. Raises `InputError` when the folder exists or cannot be written, or `NAME.part` is of another
    snapshot, and the errors of `Management`.
    """
    part = begin_folder(folder)
    content = PlainContent(part)
    return download_content(
        management, canister, folder, content, snapshot=snapshot, keep=keep, progress=progress
    )


def begin_folder(folder: Path) -> Path:
    """Make `NAME.part` for a new folder, and return it. Raises `InputError` when the folder exists."""
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} exists already; choose another name, or delete it")
    part = folder.with_name(f"{folder.name}.part")
    try:
        part.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {part}: {error.strerror}") from error
    return part


def download_content(
    management: Management,
    canister: Principal,
    folder: Path,
    content: Content,
    *,
    snapshot: bytes | None = None,
    keep: bool = False,
    progress: Progress = unwatched,
    check: Callable[[Manifest], None] = unchecked,
) -> Manifest:
    """Download a snapshot into `NAME.part` by way of `content`, then rename it to `folder`.

    `check` is called with everything on the disk, before the folder gets its name; what it raises leaves the part.
    """
    part = folder.with_name(f"{folder.name}.part")
    with Record(part / RECORD) as record:
        try:
            manifest = _begin(management, canister, part, content, snapshot)
            _fetch(management, manifest, content, record, progress)
            manifest = content.seal(manifest)
            check(manifest)
        finally:
            content.close()
        _publish(part, folder)
    if manifest.temporary and not keep:
        management.delete_canister_snapshot(canister, manifest.snapshot)
    return manifest


def _begin(
    management: Management, canister: Principal, part: Path, content: Content, snapshot: bytes | None
) -> Manifest:
    """Continue what is in the folder, or begin. Raises `InputError` when another snapshot is in it."""
    if not content.is_begun():
        taken = snapshot or management.take_canister_snapshot(canister)["id"]
        metadata = management.read_canister_snapshot_metadata(canister, taken)
        manifest = Manifest(canister, taken, _plain(metadata), {}, temporary=snapshot is None)
        content.save(manifest)
        return manifest
    manifest = content.load()
    if manifest.canister != canister or snapshot not in (None, manifest.snapshot):
        raise InputError(
            f"{part} is an unfinished download of snapshot {manifest.snapshot.hex()} of canister {manifest.canister}; "
            "finish that one, or delete the folder"
        )
    metadata = management.read_canister_snapshot_metadata(canister, manifest.snapshot)
    if encoded(_plain(metadata)) != encoded(manifest.metadata):
        raise InputError(
            f"snapshot {manifest.snapshot.hex()} is another one than when {part} was begun; delete the folder"
        )
    return manifest


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as a dictionary; a kind of global that is not known here is refused.

    Raises `InputError`.
    """
    plain = dict(metadata)
    if any(one is None for one in plain["globals"]):
        raise InputError("the snapshot has globals of a type that this version of ic-harness does not know")
    return plain


def _fetch(
    management: Management, manifest: Manifest, content: Content, record: Record, progress: Progress
) -> None:
    """Read every slice and chunk that is not there yet."""
    done = 0
    for region, offset, size in manifest.slices():
        known = record.done.get((region, offset))
        if known is None or content.digest(region, offset, size) != known:
            kind = {region: {"offset": offset, "size": size}}
            found = management.read_canister_snapshot_data(manifest.canister, manifest.snapshot, kind)
            if len(found) != size:
                raise InputError(
                    f"the network returned {len(found)} bytes of {region} at {offset} instead of {size}"
                )
            record.add(region, offset, content.put(region, offset, found))
        done += size
        progress(done, manifest.total)
    for digest in manifest.chunks:
        if content.has_chunk(digest):
            continue
        chunk = {"wasm_chunk": {"hash": digest}}
        found = management.read_canister_snapshot_data(manifest.canister, manifest.snapshot, chunk)
        if sha256(found) != digest.hex():
            raise InputError(f"the network returned another chunk than {digest.hex()}")
        content.put_chunk(digest, found)


def _publish(part: Path, folder: Path) -> None:
    """Give the folder its name. Raises `InputError` when something has got that name meanwhile."""
    for known in (part / CHUNKS, part):
        portable_files.sync_folder(known)
    try:
        part.rename(folder)
    except OSError as error:
        raise InputError(f"cannot rename {part} to {folder}: {error.strerror}") from error
    (folder / RECORD).unlink()
    portable_files.sync_folder(folder.parent)
