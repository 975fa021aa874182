"""The journal: an append-only file of framed, checksummed entries.

    frame:  4 bytes  magic "ICHJ"
            4 bytes  length of the record, little endian
            8 bytes  length of the content, little endian
            4 bytes  CRC-32 of record and content
            record   CBOR, says what changed
            content  raw bytes that the record refers to by length, in order

A frame is written by one call after the round and before anybody is told of it. The kernel has it then, so
it survives the death of the process; it is not forced to the disk each time, because losing power in the
middle of a test run is not what this guards against. A torn last frame is cut off when the file is opened:
its round was never answered.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor

_HEAD: Final = struct.Struct("<4sIQI")
_MAGIC: Final = b"ICHJ"
# writev takes at most this many buffers (IOV_MAX of Linux).
_MAX_BUFFERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry: its record, and where its content begins in the file."""

    record: Any
    content_at: int


class Journal:
    """An open journal; `size` is how many bytes it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.size = os.fstat(self._file).st_size

    def append(self, record: Any, content: Sequence[bytes] = ()) -> None:
        """Append one frame. Raises `OSError` when the disk is full; the frame is then cut off again."""
        head = cbor.encode(record, tagged=False)
        checksum = zlib.crc32(head)
        for part in content:
            checksum = zlib.crc32(part, checksum)
        length = sum(map(len, content))
        buffers = [_HEAD.pack(_MAGIC, len(head), length, checksum), head, *content]
        try:
            self._write(buffers)
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += _HEAD.size + len(head) + length

    def _write(self, buffers: Sequence[bytes]) -> None:
        for start in range(0, len(buffers), _MAX_BUFFERS):
            batch = buffers[start : start + _MAX_BUFFERS]
            total = sum(map(len, batch))
            written = os.writev(self._file, batch)
            if written < total:  # a signal came, or the disk is nearly full
                rest = memoryview(b"".join(batch))[written:]
                while rest:
                    rest = rest[os.write(self._file, rest) :]

    def frames(self) -> Iterator[Frame]:
        """Read all frames and cut off a torn end. Raises `StateError` when the middle is damaged."""
        position = 0
        while position < self.size:
            frame, end = self._frame(position)
            if frame is None:
                os.ftruncate(self._file, position)
                self.size = position
                return
            yield frame
            position = end

    def _frame(self, position: int) -> tuple[Frame | None, int]:
        head = os.pread(self._file, _HEAD.size, position)
        if len(head) < _HEAD.size:
            return None, position
        magic, record_length, content_length, checksum = _HEAD.unpack(head)
        start = position + _HEAD.size
        end = start + record_length + content_length
        if magic != _MAGIC:
            raise StateError(f"{self.path} is damaged: no frame at byte {position}")
        if end > self.size:
            return None, position
        record = os.pread(self._file, record_length, start)
        content_at = start + record_length
        if self._checksum(record, content_at, content_length) != checksum:
            if end == self.size:
                return None, position
            raise StateError(f"{self.path} is damaged: wrong checksum at byte {position}")
        try:
            return Frame(cbor.decode(record), content_at), end
        except CborError as problem:
            raise StateError(f"{self.path} is damaged at byte {position}: {problem}") from problem

    def _checksum(self, record: bytes, content_at: int, length: int) -> int:
        checksum = zlib.crc32(record)
        for offset in range(0, length, 1 << 20):
            piece = self.read(content_at + offset, min(1 << 20, length - offset))
            checksum = zlib.crc32(piece, checksum)
        return checksum

    def read(self, position: int, length: int) -> bytes:
        """Read content that a frame refers to."""
        return os.pread(self._file, length, position)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
