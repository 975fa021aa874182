"""Content named by its SHA-256: modules, chunks and the memories of snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ic_harness.errors import StateError
from ic_harness.replica.state import memory_image
from ic_harness.replica.state.memory_image import SparseBytes
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError


class MemoryBlobs:
    """Blobs of a replica that keeps nothing on disk."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, bytes | SparseBytes] = {}

    def put(self, content: bytes | SparseBytes) -> bytes:
        """Keep `content`; returns its hash."""
        digest = _digest(content)
        self._blobs.setdefault(digest, content)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return the content with this hash. Raises `StateError` when it is not there."""
        return bytes(self._found(digest))

    def get_sparse(self, digest: bytes) -> SparseBytes:
        """Return the content with this hash without its zeros. Raises `StateError` when it is not there."""
        found = self._found(digest)
        return found if isinstance(found, SparseBytes) else SparseBytes.of(found)

    def _found(self, digest: bytes) -> bytes | SparseBytes:
        try:
            return self._blobs[digest]
        except KeyError:
            raise StateError(f"the blob {digest.hex()} is missing") from None

    def read(self, digest: bytes, offset: int, size: int) -> bytes:
        """Return a part of the content with this hash. Raises `StateError` when it is not there."""
        found = self._found(digest)
        return found.part(offset, size) if isinstance(found, SparseBytes) else found[offset : offset + size]

    def size(self, digest: bytes) -> int:
        """Return the length in bytes of the content with this hash. Raises `StateError` when it is not there."""
        return len(self._found(digest))


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

    def put(self, content: bytes | SparseBytes) -> bytes:
        """Keep `content`; returns its hash. Raises `StateError` when it cannot be written."""
        digest = _digest(content)
        if digest not in self._known:
            if not files.check_folder(self._folder):
                files.make_folder(self._folder)
            draft = self._folder / f"{digest.hex()}.new"
            handle = files.create(draft)
            try:
                if isinstance(content, SparseBytes):
                    files.write_sparse(handle, content.pieces, content.size, draft)
                else:
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

    def get_sparse(self, digest: bytes) -> SparseBytes:
        """Return the content with this hash without its zeros. Raises `DamagedError` when it is missing or another.

        The hash is computed once: over gigabytes, zeros too, it takes seconds.
        """
        content = files.read_sparse(self.path(digest))
        if digest not in self._known and content.sha256() != digest:
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
        """Read a blob part by part. Raises `DamagedError` when it is missing or another."""
        path = self.path(digest)
        if memory_image.sha256(files.pieces(path), files.length(path)) != digest:
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


def _digest(content: bytes | SparseBytes) -> bytes:
    return content.sha256() if isinstance(content, SparseBytes) else hashlib.sha256(content).digest()
