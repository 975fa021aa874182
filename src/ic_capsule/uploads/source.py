"""A file on disk as a byte source: size, hash and ranges, never the whole file in memory.

Ranges are read with `pread` from one descriptor, so several chunks can be read at once. The image worker opens the
file by its name and compares its identity, so that it never reads another file of that name. A file that is written to
during the upload is detected by its size and time of change. An open file has an advisory lock, by which two uploads of
one file detect each other.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ic_harness.errors import ImageError, InputError, UploadError
from ic_harness.portable_files import lock, read_at
from ic_harness.text import readable

from .kinds import IMAGE, UNKNOWN_KIND, Kind, has_signature, known_kind

_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class ChunkRange:
    """One chunk of a file: its index, its first byte and its length."""

    index: int
    offset: int
    length: int


def chunk_ranges(size: int, chunk_size: int) -> tuple[ChunkRange, ...]:
    """Cut `size` bytes into chunks of `chunk_size` bytes; the last one may be shorter."""
    starts = range(0, size, chunk_size)
    return tuple(ChunkRange(i, start, min(chunk_size, size - start)) for i, start in enumerate(starts))


class FileSource:
    """An open file. Use it as a context manager; any number of threads may read from it.

    `sha256` is the digest (32 bytes) if it is already known: the file is then not hashed. `photo`: only images are
    accepted. Raises `ImageError` when there is no such file, or it is a folder, empty, or not accepted.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, sha256: bytes | None = None, photo: bool = False
    ) -> None:
        self.path = Path(path)
        self._fd = _open(self.path)
        try:
            self._stat = os.fstat(self._fd)
            start = self._check(photo=photo)
            self.kind = known_kind(self.path, start) or UNKNOWN_KIND
            """The kind of memory that the file becomes, and its MIME type."""
            self.alone = _lock(self._fd)
            """Whether no other upload of this very file is under way."""
            self.sha256 = sha256 or self._hash()
        except BaseException:
            os.close(self._fd)
            raise

    @property
    def name(self) -> str:
        """The file's name without its folder; bytes that are not UTF-8 are replaced."""
        return readable(self.path.name)

    @property
    def title(self) -> str:
        """The name without its ending."""
        return readable(self.path.stem)

    @property
    def size(self) -> int:
        """The file's length in bytes."""
        return self._stat.st_size

    @property
    def modified_ns(self) -> int:
        """When the file was last changed, nanoseconds since 1970; 0 for earlier times."""
        return max(0, self._stat.st_mtime_ns)

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """Device, inode, size and time of change: they distinguish this file from another one of the same name."""
        facts = self._stat
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`; raises `UploadError` when the file has changed."""
        data = read_at(self._fd, length, offset)
        while len(data) < length:  # a signal, or a file system that returns fewer bytes
            more = read_at(self._fd, length - len(data), offset + len(data))
            if not more:
                raise self._changed()
            data += more
        self.check_unchanged()
        return data

    def check_unchanged(self) -> None:
        """Raise `UploadError` when the file was written to since it was opened."""
        now = os.fstat(self._fd)
        if (now.st_size, now.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise self._changed()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, *, photo: bool) -> bytes:
        """Return the first 16 bytes of an accepted file."""
        if not stat.S_ISREG(self._stat.st_mode):
            kind = "a folder" if stat.S_ISDIR(self._stat.st_mode) else "no file"
            raise ImageError(f"{self.path} is {kind}, not an image")
        if self.size == 0:
            raise ImageError(f"{self.path} is empty, not an image")
        start = read_at(self._fd, 16, 0)
        if photo and not looks_like_image(start):
            raise ImageError(f"{self.path} is not an image: it begins like none that can be read")
        return start

    def _hash(self) -> bytes:
        digest = hashlib.sha256()
        for offset in range(0, self.size, _BLOCK):
            digest.update(read_at(self._fd, _BLOCK, offset))
        self.check_unchanged()
        return digest.digest()

    def _changed(self) -> UploadError:
        message = f"{self.path} was changed while it was being uploaded"
        return UploadError(message, detail=InputError(message))


class PhotoSource(FileSource):
    """An open photo: a file that is an image by its first bytes."""

    def __init__(self, path: str | os.PathLike[str], *, sha256: bytes | None = None) -> None:
        super().__init__(path, sha256=sha256, photo=True)


def kind_at(path: str | os.PathLike[str]) -> Kind | None:
    """The kind of a file; None when it cannot be read, is no regular file, or is of an unsupported kind."""
    try:
        descriptor = _open(Path(path))
    except ImageError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return known_kind(Path(path), read_at(descriptor, 16, 0))
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        # Not blocking: opening a named pipe would wait for its writer.
        return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise ImageError(f"{path} cannot be opened: {error.strerror}") from error
    except ValueError as error:
        raise ImageError(f"{str(path)!r} is no path: {error}") from error


def _lock(descriptor: int) -> bool:
    # The lock ends with the process, however that ends; so a killed upload can be continued at once.
    try:
        lock(descriptor)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def looks_like_image(start: bytes) -> bool:
    """Whether a file that begins with these 16 bytes is of a kind that is decoded; a cheap check, no proof."""
    return has_signature(IMAGE, start)
