"""Content named by its SHA-256: modules, chunks and the memories of snapshots."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ic_harness.errors import StateError


class MemoryBlobs:
    """Blobs of a replica that keeps nothing on disk."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, bytes] = {}

    def put(self, content: bytes) -> bytes:
        """Keep `content`; gives its hash."""
        digest = hashlib.sha256(content).digest()
        self._blobs.setdefault(digest, content)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Give the content with this hash. Raises `StateError` when it is not there."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise StateError(f"the blob {digest.hex()} is missing") from None


class FileBlobs:
    """Blobs in a folder, one file each, written under another name and renamed when complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, digest: bytes) -> Path:
        return self._folder / digest.hex()

    def put(self, content: bytes) -> bytes:
        """Keep `content`; gives its hash."""
        digest = hashlib.sha256(content).digest()
        path = self._path(digest)
        if not path.exists():
            handle, name = tempfile.mkstemp(dir=self._folder, prefix="new-")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Give the content with this hash. Raises `StateError` when it is missing or damaged."""
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise StateError(f"the blob {digest.hex()} is missing in {self._folder}") from None
        if hashlib.sha256(content).digest() != digest:
            raise StateError(f"the blob {digest.hex()} in {self._folder} is damaged")
        return content

    def keep_only(self, wanted: Iterable[bytes]) -> None:
        """Delete all blobs but these, and what interrupted writers left."""
        names = {digest.hex() for digest in wanted}
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)
