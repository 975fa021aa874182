"""One process at a time in a state folder."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from ic_harness import portable_files
from ic_harness.errors import StateError
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError


def lock_folder(folder: Path) -> FolderLock:
    """Make a state folder if there is none, and lock it. Raises `StateError`."""
    files.make_folder(folder)
    return FolderLock(folder)


class FolderLock:
    """A lock on a folder that the kernel gives up when the process ends, however it ends.

    `write` False locks a folder for reading it, also one on a read-only file system; without a file `lock`
    there nothing is locked. Raises `StateError`, which names the process, when another one has it.
    """

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self._folder = folder
        self._write = write
        self._file: int | None = None
        while not self._taken():
            pass  # the file was deleted between opening and locking it: lock the new one

    def _taken(self) -> bool:
        path = self._folder / "lock"
        handle = self._open(path)
        if handle is None:
            return True
        try:
            mine = os.fstat(handle)
            if not stat.S_ISREG(mine.st_mode):
                raise DamagedError(path, "a regular file belongs here")
            self._lock(handle)
            with suppress(FileNotFoundError):
                there = path.lstat()
                if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                    self._file, handle = handle, -1
                    return True
            return False
        finally:
            if handle >= 0:
                os.close(handle)

    def _open(self, path: Path) -> int | None:
        try:
            if self._write:
                return os.open(path, os.O_RDWR | os.O_CREAT | portable_files.SAFE, 0o600)
            return os.open(path, os.O_RDONLY | portable_files.SAFE)
        except OSError as error:
            if error.errno == errno.ENOENT and not self._write:
                return None
            if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
                raise DamagedError(path, "a regular file belongs here") from error
            raise StateError(f"cannot lock the state folder {self._folder}: {error.strerror}") from error

    def _lock(self, handle: int) -> None:
        try:
            portable_files.lock(handle)
            if self._write:
                portable_files.make_private(handle)
                os.ftruncate(handle, 0)
                portable_files.write_at(handle, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            owner = portable_files.read_at(handle, 32, 0).strip()
            who = f"process {int(owner)}" if owner.isdigit() else "another process"
            raise StateError(f"the state folder {self._folder} is in use by {who}") from error
        except OSError as error:
            raise StateError(f"cannot lock the state folder {self._folder}: {error.strerror}") from error

    def release(self) -> None:
        """Release the folder."""
        handle, self._file = self._file, None
        if handle is not None:
            with suppress(OSError):  # so that the number of an ended process is not told of the next one
                if self._write:
                    os.ftruncate(handle, 0)
            os.close(handle)
