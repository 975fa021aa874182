"""The folder of a snapshot, and `metadata.json`, which says what is in it.

    metadata.json        sizes, globals, certified data, timer, and the SHA-256 of every file
    wasm_module.bin      the module as it was installed
    wasm_memory.bin      main memory
    stable_memory.bin    stable memory
    wasm_chunk_store/    the chunks of the chunk store, each named by its SHA-256

In JSON blobs are hexadecimal, floats are hexadecimal texts (`float.hex`) and integers of 128 bits are texts, so that
nothing is rounded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.files import write_atomically
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.text import one_line, parse_json, read_text

METADATA: Final = "metadata.json"
FORK_FILE: Final = "fork.json"
"""The file that marks a folder as a fork, which is never uploaded."""
FORMAT: Final = "ic-harness canister snapshot"
VERSION: Final = 1
REGIONS: Final = ("wasm_module", "wasm_memory", "stable_memory")
CHUNKS: Final = "wasm_chunk_store"
SLICE: Final = 30 * 64 * 1024
"""Bytes that one call reads or writes: whole Wasm pages, less than the 2,000,000 bytes that a call may carry."""
_BLOCK: Final = 1 << 20
_INTEGERS: Final = frozenset({"i32", "i64"})
_PLAIN: Final = (
    "source",
    "taken_at_timestamp",
    "canister_version",
    "wasm_module_size",
    "wasm_memory_size",
    "stable_memory_size",
    "global_timer",
    "on_low_wasm_memory_hook_status",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `metadata.json` says: the snapshot, its metadata as the management canister has them, digests by file.

    `temporary` is whether the snapshot was taken for this download and is deleted from the canister after it.
    """

    canister: Principal
    snapshot: bytes
    metadata: Mapping[str, Any]
    digests: Mapping[str, str]
    temporary: bool = False

    def size(self, region: str) -> int:
        """Return the bytes of a region."""
        size: int = self.metadata[f"{region}_size"]
        return size

    @property
    def chunks(self) -> list[bytes]:
        """The SHA-256 of every chunk of the chunk store."""
        return [chunk["hash"] for chunk in self.metadata["wasm_chunk_store"]]

    @property
    def total(self) -> int:
        """Bytes of module and memories."""
        return sum(map(self.size, REGIONS))

    def slices(self) -> Iterator[tuple[str, int, int]]:
        """Return every slice: region, offset and size in bytes."""
        for region in REGIONS:
            size = self.size(region)
            for offset in range(0, size, SLICE):
                yield region, offset, min(SLICE, size - offset)


def file_of(folder: Path, region: str) -> Path:
    """Return the file of a region."""
    return folder / f"{region}.bin"


def chunk_file(folder: Path, digest: bytes) -> Path:
    """Return the file of a chunk."""
    return folder / CHUNKS / digest.hex()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `metadata.json` as a whole. Raises `InputError` when it cannot be written."""
    text = json.dumps(manifest_to_json(manifest), indent=2)
    write_atomically(folder / METADATA, [text.encode(), b"\n"])


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as JSON values, for `manifest_from_json`."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "canister_id": str(manifest.canister),
        "snapshot_id": manifest.snapshot.hex(),
        "temporary": manifest.temporary,
        **encoded(manifest.metadata),
        "sha256": dict(manifest.digests),
    }


def encoded(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as JSON values, which are equal where the metadata are, also for floats that are no numbers."""
    return {
        **{name: metadata[name] for name in _PLAIN},
        "certified_data": metadata["certified_data"].hex(),
        "globals": [_global_text(*next(iter(one.items()))) for one in metadata["globals"]],
        "wasm_chunk_store": [chunk["hash"].hex() for chunk in metadata["wasm_chunk_store"]],
    }


def _global_text(kind: str, value: float) -> dict[str, Any]:
    if kind in _INTEGERS:
        return {kind: value}
    return {kind: str(value) if kind == "v128" else float(value).hex()}


def _global_value(kind: str, value: Any) -> dict[str, Any]:
    if kind in _INTEGERS or kind == "v128":
        return {kind: int(value)}
    return {kind: float.fromhex(value)}


def read_manifest(folder: Path) -> Manifest:
    """Read `metadata.json`. Raises `InputError` when there is none that this version knows."""
    path = folder / METADATA
    try:
        content = parse_json(read_text(path))
    except OSError as error:
        raise InputError(f"{folder} is no folder of a snapshot: {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise InputError(f"{path} does not describe a snapshot in version {VERSION} of the format")
    try:
        return manifest_from_json(content)
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise InputError(f"{path} is damaged: {one_line(repr(error), 200)}") from error


def manifest_from_json(content: Mapping[str, Any]) -> Manifest:
    """Return the manifest of JSON values. Raises `ValueError` and others of its kind when they are damaged."""
    metadata = {name: content[name] for name in _PLAIN}
    sizes = [metadata[f"{region}_size"] for region in REGIONS]
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError(f"sizes {sizes}")
    metadata["certified_data"] = bytes.fromhex(content["certified_data"])
    metadata["globals"] = [_global_value(*next(iter(one.items()))) for one in content["globals"]]
    metadata["wasm_chunk_store"] = [{"hash": _digest(text)} for text in content["wasm_chunk_store"]]
    return Manifest(
        canister=Principal.from_text(content["canister_id"]),
        snapshot=bytes.fromhex(content["snapshot_id"]),
        metadata=metadata,
        digests={str(name): _digest(text).hex() for name, text in content["sha256"].items()},
        temporary=bool(content["temporary"]),
    )


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError(f"{text!r} is no SHA-256")
    return digest


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits. Raises `InputError` when it cannot be read."""
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                hasher.update(block)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return hasher.hexdigest()


def check_folder(folder: Path) -> Manifest:
    """Check every file of a snapshot against its size and SHA-256.

    Raises `InputError` with the first file that differs.
    """
    manifest = read_manifest(folder)
    for region in REGIONS:
        path = file_of(folder, region)
        if hash_file(path) != manifest.digests.get(path.name):
            raise InputError(f"{path} is damaged: its SHA-256 is not the one in {METADATA}")
        if path.stat().st_size != manifest.size(region):
            raise InputError(
                f"{path} has {path.stat().st_size} bytes, {METADATA} says {manifest.size(region)}"
            )
    for digest in manifest.chunks:
        path = chunk_file(folder, digest)
        if hash_file(path) != digest.hex():
            raise InputError(f"{path} is damaged: its SHA-256 is not its name")
    return manifest
