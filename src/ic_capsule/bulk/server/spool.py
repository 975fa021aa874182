"""The folder that takes the bytes of dropped files: each slot has a folder, and in it one file under its own name.

Bytes go to `.part` and are hashed on the way; the file gets its name when all have come, so that what is there under
a name is whole. A repeated upload into a slot begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ic_harness.errors import InputError
from ic_harness.text import clean

_PART: Final = ".part"
_WRITE: Final = 1 << 20
_LONGEST_NAME: Final = 180
_ROOM: Final = 64 << 20
"""Bytes of the disk that stay free: the ledger needs some."""


class _Digest(Protocol):
    def update(self, data: bytearray, /) -> None: ...


class TooManyBytesError(InputError):
    """A body is longer than was announced, or than a file may be."""


class FullError(InputError):
    """The disk has no room for a file."""


def safe_name(name: str) -> str:
    """The last part of a name that a page gave, fit for any file system; never empty, never hidden."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join("_" if char in '<>:"|?*' or not char.isprintable() else char for char in clean(last))
    kept = kept.strip(". ") or "file"
    stem, dot, ending = kept.rpartition(".")
    if len(kept.encode()) <= _LONGEST_NAME:
        return kept
    ending = dot + ending if stem and len(ending) <= 16 else ""
    return kept.encode()[: _LONGEST_NAME - len(ending.encode())].decode(errors="ignore") + ending


class Spool:
    """The folder; `path(slot)` is where the file of a slot is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, slot_id: str, name: str) -> Path:
        """Where the file of a slot is, or will be."""
        return self._folder / slot_id / safe_name(name)

    def check_room(self, size: int) -> None:
        """Raise `FullError` when `size` bytes do not fit on the disk."""
        free = shutil.disk_usage(self._folder).free
        if size + _ROOM > free:
            raise FullError(f"the server has {free >> 20} MiB left, too little for {size >> 20} MiB more")

    async def receive(self, slot_id: str, name: str, size: int, body: AsyncIterator[bytes]) -> bytes:
        """Write a body of exactly `size` bytes; returns its SHA-256.

        Raises `TooManyBytesError` for more bytes, `InputError` for fewer, `FullError` when the disk is full. What is
        left of a broken body is removed.
        """
        path = self.path(slot_id, name)
        part = path.with_name(_PART)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            digest = await self._write(part, size, body)
            part.replace(path)
        except OSError as error:
            raise FullError(f"the server cannot keep the file: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        return digest

    async def _write(self, part: Path, size: int, body: AsyncIterator[bytes]) -> bytes:
        digest, count, waiting = hashlib.sha256(), 0, bytearray()
        with part.open("wb") as file:
            async for piece in body:
                count += len(piece)
                if count > size:
                    raise TooManyBytesError(f"more than the announced {size} bytes came")
                waiting += piece
                if len(waiting) >= _WRITE:
                    await asyncio.to_thread(_hash_and_write, file, digest, waiting)
                    waiting = bytearray()
            await asyncio.to_thread(_hash_and_write, file, digest, waiting)
        if count < size:
            raise InputError(f"{count} of the announced {size} bytes came")
        return digest.digest()

    def remove(self, slot_id: str) -> None:
        """Remove what a slot has."""
        shutil.rmtree(self._folder / slot_id, ignore_errors=True)


def _hash_and_write(file: BinaryIO, digest: _Digest, data: bytearray) -> None:
    digest.update(data)
    file.write(data)
