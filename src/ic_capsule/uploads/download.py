"""Downloads blobs and assets into files: written beside the target, and renamed only when they are complete."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Self

from ic_capsule.assets import name_of
from ic_capsule.backend import AssetMetadataBase, BlobLocator
from ic_harness.errors import InputError, UploadError

from .calls import AsyncBackendCalls
from .verify import read_blob


async def download_blob_async(
    backend: AsyncBackendCalls, locator: str, path: str | os.PathLike[str], sha256: bytes | None = None
) -> int:
    """Write a blob to `path` and return its length in bytes; nothing is written unless all of it arrived.

    Raises `LocatorError`, what the backend's methods raise, `InputError` when `path` cannot be written, and
    `UploadError` when the bytes do not have the SHA-256 given.
    """
    name = str(BlobLocator.parse(locator))
    target, digest, size = Path(path), hashlib.sha256(), 0
    with _beside(target) as part:
        async for chunk in read_blob(backend, name):
            part.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        if sha256 is not None and digest.digest() != sha256:
            raise UploadError(f"{name} has SHA-256 {digest.hexdigest()}, its metadata has {sha256.hex()}")
        part.keep()
    return size


async def download_asset_async(
    backend: AsyncBackendCalls,
    memory_id: str,
    path: str | os.PathLike[str],
    asset_type: str = "Original",
) -> int:
    """Write an asset of a memory to `path` and return its length in bytes; blobs are compared with their hash.

    `asset_type` is a name in `ic_capsule.assets.ASSETS`. Raises `InputError` when the memory has no such asset, and
    what `download_blob_async` raises.
    """
    memory = await backend.memories_read(memory_id)
    for blob in memory.blob_internal_assets:
        base = blob.metadata.value.base
        if _name(base) == asset_type:
            return await download_blob_async(backend, blob.blob_ref.locator, path, base.sha256)
    for inline in memory.inline_assets:
        if _name(inline.metadata.value.base) == asset_type:
            with _beside(Path(path)) as part:
                part.write(inline.bytes)
                part.keep()
            return len(inline.bytes)
    raise InputError(f"memory {memory_id} has no asset {asset_type} on the canister")


def _name(base: AssetMetadataBase) -> str:
    return name_of(base.asset_type.value, base.mime_type)


class _beside:  # noqa: N801 - used as a function: `with _beside(path) as part`
    """A file beside the target that replaces it at `keep`, and is deleted otherwise."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Self:
        try:
            # Not mkstemp, whose file only the owner may read: the user's mask decides, as for any new file.
            self._name = self._target.with_name(f".{self._target.name}.{secrets.token_hex(6)}.part")
            descriptor = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise InputError(f"cannot write {self._target}: {error.strerror}") from error
        self._file = os.fdopen(descriptor, "wb")
        self._kept = False
        return self

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def keep(self) -> None:
        self._file.close()
        try:
            os.replace(self._name, self._target)  # noqa: PTH105 - atomic, and says so
        except OSError as error:
            raise InputError(f"cannot write {self._target}: {error.strerror}") from error
        self._kept = True

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._kept:
            os.unlink(self._name)  # noqa: PTH108 - as os.open above
