"""The encrypted files of a fork.

    metadata.sealed        the manifest that a plain folder has in metadata.json
    origin.sealed          where the fork comes from (`origin.py`)
    wasm_memory.bin, …     a record for every slice, the n-th at n * (SLICE + OVERHEAD); a hole is a slice of zeros
    wasm_chunk_store/      a record for every chunk, named by a keyed hash

Nothing of the state is ever written in the clear. A hole in place of a slice that has content is found by the digests
in the manifest, which are of the decrypted regions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError
from ic_harness.files import write_atomically
from ic_harness.networks.snapshot_files.content import RegionFiles, sha256
from ic_harness.networks.snapshot_files.manifest import (
    CHUNKS,
    METADATA,
    REGIONS,
    SLICE,
    Manifest,
    file_of,
    manifest_from_json,
    manifest_to_json,
)
from ic_harness.text import one_line, parse_json

from .sealing import OVERHEAD, Sealer

_SLOT: Final = SLICE + OVERHEAD
SEALED_METADATA: Final = "metadata.sealed"


class SealedContent:
    """The files of an encrypted folder. All methods raise `InputError` for files that are damaged or not readable."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder = folder
        self._sealer = sealer
        self._files = RegionFiles(folder)

    def read_file(self, name: str, place: str) -> bytes:
        """Decrypt a whole file."""
        path = self._folder / name
        try:
            record = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        return self._sealer.open(place, record)

    def write_file(self, name: str, place: str, content: bytes) -> None:
        """Encrypt a whole file."""
        write_atomically(self._folder / name, [self._sealer.seal(place, content)], mode=0o600)

    def is_begun(self) -> bool:
        """Whether a manifest was saved."""
        return (self._folder / SEALED_METADATA).exists()

    def load(self) -> Manifest:
        """Read the manifest."""
        text = self.read_file(SEALED_METADATA, METADATA).decode()
        try:
            return manifest_from_json(parse_json(text))
        except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
            path = self._folder / SEALED_METADATA
            raise InputError(f"{path} is damaged: {one_line(repr(error), 200)}") from error

    def save(self, manifest: Manifest) -> None:
        """Write the manifest."""
        text = json.dumps(manifest_to_json(manifest))
        self.write_file(SEALED_METADATA, METADATA, text.encode())

    def digest(self, region: str, offset: int, size: int) -> str:
        """Return the SHA-256 of the record of a slice; the clear content is not hashed."""
        return sha256(self._record(region, offset, size))

    def put(self, region: str, offset: int, content: bytes) -> str:
        """Store a slice as a record, or as a hole when it is all zeros."""
        record = bytes(len(content) + OVERHEAD)
        if any(content):
            record = self._sealer.seal(f"{region} {offset}", content)
        self._files.write(region, _position(offset), record)
        return sha256(record)

    def has_chunk(self, digest: bytes) -> bool:
        """Whether the chunk is there; it was written as a whole."""
        return (self._folder / self._chunk_name(digest)).exists()

    def put_chunk(self, digest: bytes, content: bytes) -> None:
        """Store a chunk."""
        (self._folder / CHUNKS).mkdir(exist_ok=True)
        self.write_file(self._chunk_name(digest), f"chunk {digest.hex()}", content)

    def seal(self, manifest: Manifest) -> Manifest:
        """Force the files to the disk and save the manifest with the digests of the decrypted regions."""
        (self._folder / CHUNKS).mkdir(exist_ok=True)
        for region in REGIONS:
            slices, rest = divmod(manifest.size(region), SLICE)
            self._files.finish(region, slices * _SLOT + (rest + OVERHEAD if rest else 0))
        digests = {f"{region}.bin": self._region_digest(manifest, region) for region in REGIONS}
        sealed = replace(manifest, digests=digests)
        self.save(sealed)
        return sealed

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    # -- reading a finished folder --------------------------------------------------------------------------

    def check(self) -> Manifest:
        """Decrypt everything and compare it with the digests in the manifest."""
        manifest = self.load()
        for region in REGIONS:
            if self._region_digest(manifest, region) != manifest.digests.get(f"{region}.bin"):
                path = file_of(self._folder, region)
                raise InputError(f"{path} is damaged: its SHA-256 is not the one in {SEALED_METADATA}")
        for digest in manifest.chunks:
            self.chunk(digest)
        return manifest

    def slices(self, manifest: Manifest, region: str) -> Iterator[tuple[int, bytes]]:
        """Return the slices of a region that are not all zeros, each with its offset in bytes."""
        for name, offset, size in manifest.slices():
            if name == region and (content := self._read(region, offset, size)) is not None:
                yield offset, content

    def chunk(self, digest: bytes) -> bytes:
        """Return a chunk."""
        return self.read_file(self._chunk_name(digest), f"chunk {digest.hex()}")

    def _read(self, region: str, offset: int, size: int) -> bytes | None:
        """Return a slice; None for zeros."""
        record = self._record(region, offset, size)
        return self._sealer.open(f"{region} {offset}", record) if any(record) else None

    def _record(self, region: str, offset: int, size: int) -> bytes:
        length = size + OVERHEAD
        found = self._files.read(region, _position(offset), length)
        return found + bytes(length - len(found))

    def _region_digest(self, manifest: Manifest, region: str) -> str:
        hasher = hashlib.sha256()
        for name, offset, size in manifest.slices():
            if name == region:
                hasher.update(self._read(region, offset, size) or bytes(size))
        return hasher.hexdigest()

    def _chunk_name(self, digest: bytes) -> str:
        return f"{CHUNKS}/{self._sealer.name(digest)}"


def _position(offset: int) -> int:
    return offset // SLICE * _SLOT
