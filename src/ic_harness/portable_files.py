"""Operations on open files that not every operating system has under one name: locks, positions, flags.

POSIX systems have them in `os` and `fcntl`. On Windows positions are set and used in two steps under a lock of this
process, file locks are those of `msvcrt`, and flags and permissions without a counterpart have no effect.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def _flags(*names: str) -> int:
    """The flags of these names that this system has."""
    return sum(getattr(os, name, 0) for name in names)


SAFE: Final = _flags("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
"""Open no symbolic link, never wait for the other end of a pipe, leave the file to this process; bytes as they are."""
_FOLDER: Final = _flags("O_DIRECTORY", "O_CLOEXEC")
_LOCKED_BYTE: Final = 0x7FFF_FFFE
"""Where Windows locks one byte: no file of ours is that long, and locked bytes cannot be read."""
_NO_HOLES: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What file systems and kernels answer that do not know where the holes of a file are."""
_MOVING: Final = threading.Lock()
"""Held while a file's position is borrowed, where reading at a position takes two steps."""


def lock(handle: int) -> None:
    """Lock an open file for this descriptor alone, until it is closed; the system releases it when the process ends.

    Raises `BlockingIOError` when another descriptor has the lock, other `OSError`s where files cannot be locked.
    """
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt  # lazy: Windows only  # noqa: PLC0415

    windows: Any = msvcrt
    with _MOVING:
        before = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            windows.locking(handle, windows.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EDEADLK}:
                raise BlockingIOError(errno.EAGAIN, "the file is locked") from error
            raise
        finally:
            os.lseek(handle, before, os.SEEK_SET)


def read_at(handle: int, length: int, position: int) -> bytes:
    """Read up to `length` bytes at a position, from any number of threads. Raises `OSError`."""
    if hasattr(os, "pread"):
        return os.pread(handle, length, position)
    with _MOVING:
        before = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, position, os.SEEK_SET)
        try:
            return os.read(handle, length)
        finally:
            os.lseek(handle, before, os.SEEK_SET)


def write_at(handle: int, content: bytes, position: int) -> int:
    """Write bytes at a position, from any number of threads; return how many were written. Raises `OSError`."""
    if hasattr(os, "pwrite"):
        return os.pwrite(handle, content, position)
    with _MOVING:
        before = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, position, os.SEEK_SET)
        try:
            return os.write(handle, content)
        finally:
            os.lseek(handle, before, os.SEEK_SET)


def write_buffers(handle: int, buffers: Sequence[bytes]) -> int:
    """Write buffers at the present position by one call; return how many bytes were written. Raises `OSError`."""
    if hasattr(os, "writev"):
        return os.writev(handle, buffers)
    with _MOVING:
        return os.write(handle, b"".join(buffers))


def data_ranges(handle: int, end: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where an open file may have content from `start` to `end`, in bytes and in order; elsewhere it is zeros.

    Where the system does not tell holes from content, that is all of it. Moves the position. Raises `OSError`.
    """
    at = start
    while at < end:
        try:
            begun = os.lseek(handle, at, os.SEEK_DATA)
            stop = os.lseek(handle, begun, os.SEEK_HOLE)
        except (AttributeError, OSError) as error:
            if not isinstance(error, OSError) or error.errno in _NO_HOLES:
                yield at, end
            elif error.errno != errno.ENXIO:  # which says that nothing but a hole follows
                raise
            return
        if begun < end:
            yield begun, min(stop, end)
        at = stop


def make_private(handle: int) -> None:
    """Let only the owner read and write an open file, whatever the umask left of it. Raises `OSError`."""
    if hasattr(os, "fchmod"):
        os.fchmod(handle, 0o600)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system lets folders be opened. Raises `OSError`."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | _FOLDER)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
