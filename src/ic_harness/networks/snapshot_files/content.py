"""Where a download puts what it reads: the files of a snapshot's folder.

`PlainContent` writes the files as they are; `ic_harness.networks.forks` has an implementation that encrypts them.
Slices of zeros are not written: the files are sparse.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ic_harness import portable_files
from ic_harness.errors import InputError
from ic_harness.files import write_atomically

from .manifest import (
    CHUNKS,
    METADATA,
    REGIONS,
    Manifest,
    check_folder,
    chunk_file,
    file_of,
    hash_file,
    read_manifest,
    write_manifest,
)


class Content(Protocol):
    """The files of one snapshot. All methods raise `InputError` for files that cannot be read or written."""

    def is_begun(self) -> bool:
        """Whether a manifest was saved."""

    def load(self) -> Manifest:
        """Read the manifest."""

    def save(self, manifest: Manifest) -> None:
        """Write the manifest as a whole."""

    def digest(self, region: str, offset: int, size: int) -> str:
        """Return the SHA-256 of a slice as it is stored, in hexadecimal digits."""

    def put(self, region: str, offset: int, content: bytes) -> str:
        """Store a slice; returns what `digest` returns for it from now on."""

    def has_chunk(self, digest: bytes) -> bool:
        """Whether the chunk with this SHA-256 is stored."""

    def put_chunk(self, digest: bytes, content: bytes) -> None:
        """Store a chunk."""

    def seal(self, manifest: Manifest) -> Manifest:
        """Cut the files to their sizes, force them to the disk, and save the manifest with their digests."""

    def close(self) -> None:
        """Close the files."""


class RegionFiles:
    """The open files of the regions; reads and writes at positions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handles: dict[str, int] = {}

    def read(self, region: str, offset: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        return portable_files.read_at(self._handle(region), size, offset)

    def write(self, region: str, offset: int, content: bytes) -> None:
        """Write bytes; zeros leave a hole where there is nothing else yet."""
        path = file_of(self.folder, region)
        if not any(content) and not any(self.read(region, offset, len(content))):
            return
        try:
            written = portable_files.write_at(self._handle(region), content, offset)
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror}; the same command continues when there is space"
            ) from error
        if written != len(content):
            raise InputError(f"cannot write {path}: the file system took {written} of {len(content)} bytes")

    def finish(self, region: str, size: int) -> None:
        """Make the file `size` bytes long, and force it to the disk."""
        handle = self._handle(region)
        os.ftruncate(handle, size)
        os.fsync(handle)

    def close(self) -> None:
        """Close all files."""
        while self._handles:
            os.close(self._handles.popitem()[1])

    def _handle(self, region: str) -> int:
        if region not in self._handles:
            path = file_of(self.folder, region)
            try:
                self._handles[region] = os.open(path, os.O_RDWR | os.O_CREAT | portable_files.SAFE, 0o600)
            except OSError as error:
                raise InputError(f"cannot write {path}: {error.strerror}") from error
        return self._handles[region]


class PlainContent:
    """The files as they are in a finished folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = RegionFiles(folder)

    def is_begun(self) -> bool:
        """Whether there is a `metadata.json`."""
        return (self._folder / METADATA).exists()

    def load(self) -> Manifest:
        """Read `metadata.json`."""
        return read_manifest(self._folder)

    def save(self, manifest: Manifest) -> None:
        """Write `metadata.json`."""
        write_manifest(self._folder, manifest)

    def digest(self, region: str, offset: int, size: int) -> str:
        """Return the SHA-256 of a slice; of less when the file ends before."""
        found = self._files.read(region, offset, size)
        return sha256(found + bytes(size - len(found)))  # a hole at the end is not in the file yet

    def put(self, region: str, offset: int, content: bytes) -> str:
        """Store a slice."""
        self._files.write(region, offset, content)
        return sha256(content)

    def has_chunk(self, digest: bytes) -> bool:
        """Whether the chunk is there and whole."""
        path = chunk_file(self._folder, digest)
        return path.exists() and hash_file(path) == digest.hex()

    def put_chunk(self, digest: bytes, content: bytes) -> None:
        """Write a chunk."""
        path = chunk_file(self._folder, digest)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, [content], mode=0o600)

    def seal(self, manifest: Manifest) -> Manifest:
        """Cut the files to their sizes and write their digests."""
        (self._folder / CHUNKS).mkdir(exist_ok=True)
        digests = {}
        for region in REGIONS:
            self._files.finish(region, manifest.size(region))
            path = file_of(self._folder, region)
            digests[path.name] = hash_file(path)
        sealed = replace(manifest, digests=digests)
        self.save(sealed)
        return sealed

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    # -- reading a finished folder --------------------------------------------------------------------------

    def check(self) -> Manifest:
        """Check every file against its SHA-256. Raises `InputError` for the first that differs."""
        return check_folder(self._folder)

    def slices(self, manifest: Manifest, region: str) -> Iterator[tuple[int, bytes]]:
        """Return the slices of a region that are not all zeros, each with its offset in bytes."""
        for name, offset, size in manifest.slices():
            if name == region and any(content := self._files.read(region, offset, size)):
                yield offset, content

    def chunk(self, digest: bytes) -> bytes:
        """Return a chunk."""
        return chunk_file(self._folder, digest).read_bytes()


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
