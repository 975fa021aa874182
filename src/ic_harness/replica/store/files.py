"""Every operation on the file system that the store makes, one function each, with errors that name the file.

Tests replace these functions to end the process before, or in the middle of, each operation; so nothing else
in this package calls the operating system to change a file.

Files are created for their owner alone (0600, folders 0700). Opening refuses what is no regular file: a
symbolic link would lead writes out of the folder, and opening a named pipe would wait for its other end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ic_harness import portable_files
from ic_harness.errors import StateError
from ic_harness.replica.state.memory_image import Piece, SparseBytes, nonzero, segments

_MAX_BUFFERS: Final = 1000  # writev takes at most IOV_MAX buffers, 1,024 on Linux
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_BLOCK: Final = 1 << 20


class DamagedError(StateError):
    """A file of a state folder is not as it was written. `problem` is what is wrong with the file at `path`."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        inner = path.parent.name == "blobs" or path.parent.name.startswith("checkpoint-")
        folder = path.parent.parent if inner else path.parent
        super().__init__(
            f"{path} is damaged: {problem}. Put back a copy of the whole folder, or see what can be saved: "
            f"ic-harness doctor --state-dir {folder}"
        )


class MissingError(DamagedError):
    """A file that belongs to the state folder is not there."""

    def __init__(self, path: Path, needed_by: str = "") -> None:
        super().__init__(path, f"the file is missing{needed_by and f', {needed_by} needs it'}")


def _failed(action: str, path: Path, error: OSError) -> StateError:
    advice = "; free some space and start again" if error.errno in _FULL else ""
    return StateError(f"cannot {action} {path}: {error.strerror or error}{advice}")


@contextmanager
def _naming(action: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(action, path, error) from error


# --- folders ------------------------------------------------------------------------------------------------


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; one that exists keeps its permissions."""
    with _naming("make the folder", path):
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)  # whatever the umask left of it


def check_folder(path: Path) -> bool:
    """Whether a folder is there. Raises `DamagedError` for anything else with this name."""
    with _naming("read", path):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return False
    if not stat.S_ISDIR(mode):  # a symbolic link would lead deletions out of the state folder
        raise DamagedError(path, "a folder belongs here")
    return True


def names(folder: Path) -> list[str]:
    """The sorted names in a folder."""
    with _naming("read the folder", folder):
        return sorted(os.listdir(folder))  # noqa: PTH208 - Path.iterdir makes a path of each of many names


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    with _naming("write", folder):
        portable_files.sync_folder(folder)


# --- names --------------------------------------------------------------------------------------------------


def rename(old: Path, new: Path) -> None:
    """Give a file or folder its final name, in place of what has that name."""
    with _naming("write", new):
        old.replace(new)


def link(old: Path, new: Path) -> bool:
    """Give a file a second name; False where the file system has no hard links."""
    with _naming("write", new):
        try:
            os.link(old, new, follow_symlinks=False)
        except OSError as error:
            if error.errno in {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}:
                return False
            raise
    return True


def remove(path: Path) -> None:
    """Delete a file, or a folder with what is in it; nothing happens when it is not there."""
    with _naming("delete", path), suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            from shutil import rmtree  # lazy: start-up time  # noqa: PLC0415

            rmtree(path)
        else:
            path.unlink()


# --- content ------------------------------------------------------------------------------------------------


def create(path: Path) -> int:
    """Make an empty file in place of what has this name; returns its descriptor, open for both directions."""
    remove(path)
    with _naming("write", path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | portable_files.SAFE, 0o600)
        portable_files.make_private(handle)
        return handle


def open_file(path: Path, *, write: bool = False) -> int:
    """Open a regular file. Raises `MissingError`, or `DamagedError` for a folder, symbolic link or device."""
    try:
        with _naming("write" if write else "read", path):
            handle = os.open(path, (os.O_RDWR if write else os.O_RDONLY) | portable_files.SAFE)
    except StateError as error:
        _explain(path, error.__cause__)
        raise
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise DamagedError(path, "a regular file belongs here")


def _explain(path: Path, error: BaseException | None) -> None:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        raise MissingError(path) from error
    if number in {errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENOTDIR}:
        raise DamagedError(path, "a regular file belongs here") from error


def close(handle: int) -> None:
    """Close a descriptor."""
    os.close(handle)


def size(handle: int) -> int:
    """The length of an open file in bytes."""
    return os.fstat(handle).st_size


def write(handle: int, buffers: Sequence[bytes], path: Path) -> None:
    """Write all buffers at the present position."""
    try:  # not `_naming`, which costs a microsecond for every round
        for start in range(0, len(buffers), _MAX_BUFFERS):
            batch = buffers[start : start + _MAX_BUFFERS]
            written = portable_files.write_buffers(handle, batch)
            if written < sum(map(len, batch)):  # a signal came, or the disk is nearly full
                rest = memoryview(b"".join(batch))[written:]
                while rest:
                    rest = rest[os.write(handle, rest) :]
    except OSError as error:
        raise _failed("write", path, error) from error


def write_at(handle: int, content: bytes, position: int, path: Path) -> None:
    """Write a few bytes at a position."""
    try:
        written = portable_files.write_at(handle, content, position)
    except OSError as error:
        raise _failed("write", path, error) from error
    if written != len(content):
        raise StateError(f"cannot write {path}: the file system took {written} of {len(content)} bytes")


def seek(handle: int, position: int) -> None:
    """Go to a position."""
    os.lseek(handle, position, os.SEEK_SET)


def truncate(handle: int, length: int, path: Path) -> None:
    """Cut an open file, or lengthen it by zeros."""
    with _naming("write", path):
        os.ftruncate(handle, length)


def sync(handle: int, path: Path) -> None:
    """Force an open file to the disk."""
    with _naming("write", path):
        os.fsync(handle)


def read_at(handle: int, length: int, position: int, path: Path) -> bytes:
    """Read up to `length` bytes at a position; fewer only at the end of the file."""
    with _naming("read", path):
        content = portable_files.read_at(handle, length, position)
        if len(content) == length or not content:
            return content
        parts = [content]  # one call reads at most 2 GiB
        while (position := position + len(parts[-1])) and sum(map(len, parts)) < length:
            part = portable_files.read_at(handle, length - sum(map(len, parts)), position)
            if not part:
                break
            parts.append(part)
        return b"".join(parts)


def length(path: Path) -> int:
    """The length of a regular file in bytes. Raises `MissingError`, `DamagedError` or `StateError`."""
    handle = open_file(path)
    try:
        return size(handle)
    finally:
        os.close(handle)


def read_whole(path: Path, most: int | None = None) -> bytes:
    """Read a regular file, or its first `most` bytes. Raises `MissingError`, `DamagedError` or `StateError`."""
    handle = open_file(path)
    try:
        return read_at(handle, size(handle) if most is None else most, 0, path)
    finally:
        os.close(handle)


def blocks(path: Path) -> Iterator[bytes]:
    """Read a regular file a MiB at a time."""
    handle = open_file(path)
    try:
        position = 0
        while block := read_at(handle, _BLOCK, position, path):
            yield block
            position += len(block)
    finally:
        os.close(handle)


def pieces(path: Path) -> Iterator[Piece]:
    """Read what is not zero of a regular file, a segment at a time: the pieces of `SparseBytes`.

    What the file system says is a hole is not read.
    """
    handle = open_file(path)
    try:
        with _naming("read", path):
            length = size(handle)
            for start, end in segments(portable_files.data_ranges(handle, length), length):
                content = read_at(handle, end - start, start, path)
                if len(content) < end - start:
                    raise DamagedError(path, f"it ends at byte {start + len(content)}, it had {length}")
                yield from nonzero(start, content)
    finally:
        os.close(handle)


def read_sparse(path: Path) -> SparseBytes:
    """Read a regular file without its zeros. Raises `MissingError`, `DamagedError` or `StateError`."""
    return SparseBytes(length(path), tuple(pieces(path)))


def write_sparse(handle: int, content: Iterable[Piece], length: int, path: Path) -> None:
    """Write pieces, which are in order, into an empty file and make it `length` bytes long.

    What is between them becomes holes, or zeros where the file system has no holes.
    """
    for offset, piece in content:
        seek(handle, offset)
        write(handle, [piece], path)
    truncate(handle, length, path)


def write_new_sparse(path: Path, content: Iterable[Piece], length: int) -> None:
    """Write a new file by `write_sparse` and force it to the disk; it may be incomplete until this returns."""
    handle = create(path)
    try:
        write_sparse(handle, content, length, path)
        sync(handle, path)
    finally:
        close(handle)


def write_new(path: Path, parts: Sequence[bytes]) -> None:
    """Write a new file and force it to the disk; it may be incomplete until this returns."""
    handle = create(path)
    try:
        write(handle, parts, path)
        sync(handle, path)
    finally:
        close(handle)
