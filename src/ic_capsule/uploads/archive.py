"""A folder with the assets of many memories: names that every file system takes, each file verified by its SHA-256.

Theory of operation. Files are written below `FOLDER/.ic-harness-download/`, which one process at a time locks, and
renamed when their hash is right. So a file under its own name is complete, whenever the process was killed; what is in
the work folder when it is locked next is left over, and deleted. A file that is there is never replaced by other
bytes: one with the right hash is kept, beside any other one the asset gets a name with a part of the memory's hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from mimetypes import guess_extension
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from ic_capsule.assets import ORIGINAL
from ic_capsule.backend import Memory
from ic_harness import portable_files
from ic_harness.errors import InputError, UploadError

from .calls import BackendCalls
from .sync_api import download_blob

WORK: Final = ".ic-harness-download"
"""The folder, inside of the target, with files that are not complete."""
_MAX_NAME: Final = 180
"""Bytes (UTF-8) of a name; file systems allow 255, some encrypted ones 143 characters of ASCII at least."""
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_HASH: Final = 10
_READ: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAsset:
    """An asset of a memory as its metadata describe it: `locator` names its blob, `content` is it where it is inline.

    `name` is the file's name as it was uploaded, `size` in bytes, `sha256` None where none is known.
    """

    memory_id: str
    asset_type: str
    name: str
    mime_type: str
    size: int
    sha256: bytes | None
    locator: str | None = None
    content: bytes | None = None


def stored_assets(memory: Memory, kinds: tuple[str, ...]) -> list[StoredAsset]:
    """Return the assets of a memory that are of these kinds and on the canister."""
    found = []
    for blob in memory.blob_internal_assets:
        base = blob.metadata.value.base
        found.append(
            StoredAsset(
                memory_id=memory.id, asset_type=base.asset_type.value, name=base.name, size=base.bytes,
                mime_type=base.mime_type, sha256=base.sha256, locator=blob.blob_ref.locator,
            )
        )  # fmt: skip
    for inline in memory.inline_assets:
        base = inline.metadata.value.base
        found.append(
            StoredAsset(
                memory_id=memory.id, asset_type=base.asset_type.value, name=base.name, size=len(inline.bytes),
                mime_type=base.mime_type, sha256=base.sha256, content=inline.bytes,
            )
        )  # fmt: skip
    return [asset for asset in found if asset.asset_type in kinds]


def file_name(asset: StoredAsset, mark: str = "") -> str:
    """Return a name for an asset that every file system takes; `mark` is put before the extension.

    The original keeps its name as far as possible; others get their kind into it, and the extension of their type.
    """
    path = PurePosixPath(_plain(asset.name))
    stem, suffix = path.stem, path.suffix
    if asset.asset_type != ORIGINAL:
        suffix = guess_extension(asset.mime_type) or ""
        mark = f"-{asset.asset_type.lower()}{mark}"
    suffix = suffix.encode()[:20].decode(errors="ignore")
    most = _MAX_NAME - len(f"{mark}{suffix}".encode())
    stem = stem.encode()[:most].decode(errors="ignore").rstrip(" .") or "memory"
    found = f"{stem}{mark}{suffix}".rstrip(" .")
    return f"_{found}" if _DEVICES.match(found) else found


def _plain(name: str) -> str:
    """Replace what file systems, terminals or shells do not take; no name begins or ends with a dot or a space."""
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name))
    text = "".join("_" if unicodedata.category(char)[0] in "CZ" and char != " " else char for char in text)
    return text.strip(" .") or "memory"


@dataclass(frozen=True, slots=True)
class SavedAsset:
    """A file: where it is, its length in bytes, and whether it was there already."""

    path: Path
    size: int
    present: bool


class DownloadFolder:
    """The target folder, locked for this process; a context manager.

    Raises `InputError` when it cannot be made or written, or another process downloads into it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._work = folder / WORK
        self._taken: set[str] = set()
        try:
            self._work.mkdir(parents=True, exist_ok=True)
            if self._work.is_symlink():
                raise InputError(f"{self._work} is a symbolic link: delete it")
            self._lock = os.open(self._work / "lock", os.O_RDWR | os.O_CREAT | portable_files.SAFE, 0o600)
        except OSError as error:
            raise InputError(f"cannot write into {folder}: {error.strerror}") from error
        if not self._locked():
            os.close(self._lock)
            raise InputError(f"another process downloads into {folder}: wait until it has ended")
        for left_over in self._work.iterdir():
            if left_over.name != "lock":
                left_over.unlink()

    def _locked(self) -> bool:
        """Lock the folder; False when another process has it, or had it until now and deleted it."""
        try:
            portable_files.lock(self._lock)
        except BlockingIOError:
            return False
        return (self._work / "lock").exists()

    def save(self, backend: BackendCalls, asset: StoredAsset) -> SavedAsset:
        """Write an asset unless it is there. Raises `UploadError` for bytes of another hash, and `OSError`."""
        for path in self._places(asset):
            key = unicodedata.normalize("NFKC", path.name).casefold()
            if key in self._taken:
                continue
            if not os.path.lexists(path):
                self._taken.add(key)
                return SavedAsset(path, self._fetch(backend, asset, path), present=False)
            if asset.sha256 is not None and _digest(path, asset.size) == asset.sha256:
                self._taken.add(key)
                return SavedAsset(path, asset.size, present=True)
        raise UploadError(
            f"no free name for {asset.asset_type} of memory {asset.memory_id} in {self._folder}"
        )

    def _places(self, asset: StoredAsset) -> Iterator[Path]:
        """Yield paths for an asset, the nicest first; the order is the same in each run."""
        own = hashlib.sha256(f"{asset.memory_id}\0{asset.asset_type}".encode()).hexdigest()[:_HASH]
        for mark in ("", f"-{own}", *(f"-{own}-{number}" for number in range(2, 100))):
            yield self._folder / file_name(asset, mark)

    def _fetch(self, backend: BackendCalls, asset: StoredAsset, path: Path) -> int:
        part = self._work / "part"
        if asset.locator is not None:
            size = download_blob(backend, asset.locator, part, asset.sha256)
        else:
            assert asset.content is not None, "bug: an asset is a blob or inline"
            size = len(asset.content)
            if asset.sha256 not in (None, hashlib.sha256(asset.content).digest()):
                raise UploadError(
                    f"{asset.asset_type} of memory {asset.memory_id} has not the SHA-256 of its metadata"
                )
            part.write_bytes(asset.content)
        part.replace(path)
        return size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._work, ignore_errors=True)  # before the lock is given up
        os.close(self._lock)


def _digest(path: Path, size: int) -> bytes | None:
    """Return the SHA-256 of a regular file of `size` bytes; None for every other file."""
    try:
        handle = os.open(path, os.O_RDONLY | portable_files.SAFE)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return None
        digest = hashlib.sha256()
        while block := os.read(handle, _READ):
            digest.update(block)
        return digest.digest()
    finally:
        os.close(handle)
