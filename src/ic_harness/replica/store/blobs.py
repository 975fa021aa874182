"""Content named by its SHA-256: modules, chunks and the memories of snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ic_harness.errors import StateError
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError


class MemoryBlobs:
    """Blobs of a replica that keeps nothing on disk."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, bytes] = {}

    def put(self, content: bytes) -> bytes:
        """Keep `content`; returns its hash."""
        digest = hashlib.sha256(content).digest()
        self._blobs.setdefault(digest, content)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return the content with this hash. Raises `StateError` when it is not there."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise StateError(f"the blob {digest.hex()} is missing") from None

    def read(self, digest: bytes, offset: int, size: int) -> bytes:
        """Return a part of the content with this hash. Raises `StateError` when it is not there."""
        return self.get(digest)[offset : offset + size]

    def size(self, digest: bytes) -> int:
        """Return the length in bytes of the content with this hash. Raises `StateError` when it is not there."""
        return len(self.get(digest))


class FileBlobs:
    """Blobs in a folder, one file each, written under another name and renamed when complete.

    A file is trusted to hold its content once this process has written or checked it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[bytes] = set()
        self._unsynced: set[bytes] = set()

    def path(self, digest: bytes) -> Path:
        """The file of a blob."""
        return self._folder / digest.hex()

    def put(self, content: bytes) -> bytes:
        """Keep `content`; returns its hash. Raises `StateError` when it cannot be written."""
        digest = hashlib.sha256(content).digest()
        if digest not in self._known:
            if not files.check_folder(self._folder):
                files.make_folder(self._folder)
            draft = self._folder / f"{digest.hex()}.new"
            handle = files.create(draft)
            try:
                files.write(handle, [content], draft)
            finally:
                files.close(handle)
            files.rename(draft, self.path(digest))
            self._unsynced.add(digest)
            self._known.add(digest)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return the content with this hash. Raises `DamagedError` when it is missing or another."""
        content = files.read_whole(self.path(digest))
        if hashlib.sha256(content).digest() != digest:
            raise DamagedError(self.path(digest), "the SHA-256 of its content is not its name")
        return content

    def read(self, digest: bytes, offset: int, size: int) -> bytes:
        """Return a part of the content with this hash. Raises `DamagedError` when the file is missing.

        The hash is not computed anew: this process wrote or checked every file that the state names.
        """
        handle = files.open_file(self.path(digest))
        try:
            return files.read_at(handle, size, offset, self.path(digest))
        finally:
            files.close(handle)

    def size(self, digest: bytes) -> int:
        """Return the length in bytes of the content with this hash. Raises `DamagedError` when it is missing."""
        return files.length(self.path(digest))

    def check(self, digest: bytes) -> None:
        """Read a blob a MiB at a time. Raises `DamagedError` when it is missing or another."""
        hasher = hashlib.sha256()
        for block in files.blocks(self.path(digest)):
            hasher.update(block)
        if hasher.digest() != digest:
            raise DamagedError(self.path(digest), "the SHA-256 of its content is not its name")
        self._known.add(digest)

    def sync(self) -> None:
        """Force what was put to the disk, before a checkpoint refers to it."""
        for digest in self._unsynced:
            handle = files.open_file(self.path(digest), write=True)
            try:
                files.sync(handle, self.path(digest))
            finally:
                files.close(handle)
        if self._unsynced:
            files.sync_folder(self._folder)
            files.sync_folder(self._folder.parent)
        self._unsynced.clear()

    def keep_only(self, wanted: Iterable[bytes]) -> None:
        """Delete all blobs but these, and what interrupted writers left."""
        kept = set(wanted)
        names = {digest.hex() for digest in kept}
        self._known &= kept
        self._unsynced &= kept
        if files.check_folder(self._folder):
            for name in files.names(self._folder):
                if name not in names:
                    files.remove(self._folder / name)
