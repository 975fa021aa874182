"""The journal: an append-only file of framed, numbered and chained entries.

    header:  8 bytes   magic "ICHJRNL2"
             4 bytes   version of the state format           } integers are little endian
             16 bytes  id of the folder
             8 bytes   generation
             32 bytes  digest of the checkpoint that the journal goes on from
             4 bytes   CRC-32 of the header
    frame:   4 bytes   magic "ICHF"
             8 bytes   number, from 1
             4 bytes   length of the record
             8 bytes   length of the content
             4 bytes   CRC-32 of record and content
             4 bytes   chain: CRC-32 of the bytes of this head before, begun with the chain of the frame before
             record    CBOR, says what changed
             content   raw bytes that the record refers to by length, in order

A frame is written by one call after the round and before any caller learns of it. The kernel has it then, so
it survives the death of the process. It is forced to the disk each time only where the store is *durable*: losing
power in the middle of a test run is not what the others guard against.

A process that is killed while it appends leaves a prefix of a frame. Only that is a *torn* frame, and only
where the file `committed-<n>` does not say that it was acknowledged: its round was never answered, so it may
be cut off. A head has a checksum of its own, so a damaged length is not taken for a torn frame. The chain
begins with the checksum of the header, so a frame is accepted in its own journal and place only. A power cut may
leave bytes that were never written; that is damage like any other, and `ic-harness doctor` saves what is before. A
durable store was answering only for frames up to the acknowledged one, so it cuts such bytes off behind that.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness import portable_files
from ic_harness.errors import CborError, StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import cbor
from ic_harness.replica.store import files, sealed
from ic_harness.replica.store.committed import Mark
from ic_harness.replica.store.files import DamagedError
from ic_harness.replica.store.identity import Generation

MAGIC: Final = b"ICHJRNL2"
_HEADER: Final = struct.Struct("<8sI16sQ32s")
_HEAD: Final = struct.Struct("<4sQIQI")
_START: Final = struct.Struct("<4sQ")
_CHECKSUM: Final = struct.Struct("<I")
_FRAME_MAGIC: Final = b"ICHF"
HEADER_SIZE: Final = _HEADER.size + _CHECKSUM.size
HEAD_SIZE: Final = _HEAD.size + _CHECKSUM.size
_MAX_RECORD: Final = (1 << 32) - 1
_BLOCK: Final = 1 << 20


def _header(generation: Generation) -> bytes:
    return _HEADER.pack(MAGIC, sealed.VERSION, generation.folder_id, generation.number, generation.digest)


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry: its record, where its content begins in the file and where it ends, and its chain."""

    number: int
    record: Any
    content_at: int
    end: int
    chain: int


class Journal:
    """An open journal. `mark` is its end: of what was read by `frames`, and then of what was appended."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        self.mark = Mark(0, 0, 0)

    @classmethod
    def create(cls, path: Path, generation: Generation) -> Journal:
        """Make a journal without frames, locked for this process."""
        journal = cls(path, files.create(path))
        content = _header(generation)
        checksum = zlib.crc32(content)
        files.write(journal._handle, [content + _CHECKSUM.pack(checksum)], path)
        files.sync(journal._handle, path)
        journal.mark = Mark(0, HEADER_SIZE, checksum)
        journal.lock()
        return journal

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Journal:
        """Open a journal; `write` for appending to it, locked for this process."""
        journal = cls(path, files.open_file(path, write=write))
        if write:
            try:
                journal.lock()
            except BaseException:
                journal.close()
                raise
        return journal

    def lock(self) -> None:
        """Keep other processes out even when the lock file of the folder was deleted. Raises `StateError`."""
        try:
            portable_files.lock(self._handle)
        except BlockingIOError as error:
            raise StateError(f"the journal {self.path} is in use by another process") from error
        except OSError as error:
            raise StateError(f"cannot lock {self.path}: {error.strerror}") from error

    # --- appending ------------------------------------------------------------------------------------------

    def append(self, record: Any, content: Sequence[bytes] = ()) -> None:
        """Append one frame. Raises `StateError`; what was written of the frame is then cut off again."""
        try:
            head = cbor.encode(record, tagged=False)
        except CborError as problem:
            raise StateError(f"a round cannot be kept in {self.path}: {problem}") from problem
        if len(head) > _MAX_RECORD:
            raise StateError(f"a round cannot be kept in {self.path}: its record has {len(head)} bytes")
        checksum = zlib.crc32(head)
        for part in content:
            checksum = zlib.crc32(part, checksum)
        length = sum(map(len, content))
        number = self.mark.frames + 1
        start = _HEAD.pack(_FRAME_MAGIC, number, len(head), length, checksum)
        chain = zlib.crc32(start, self.mark.chain)
        try:
            files.write(self._handle, [start + _CHECKSUM.pack(chain), head, *content], self.path)
        except BaseException:  # also an interrupt: the next frame must not follow half of this one
            self.cut()
            raise
        self.mark = Mark(number, self.mark.length + HEAD_SIZE + len(head) + length, chain)

    def sync(self) -> None:
        """Force what was appended to the disk. Raises `StateError`."""
        files.sync(self._handle, self.path)

    def cut(self) -> None:
        """Cut off what is behind the mark, and go there."""
        files.truncate(self._handle, self.mark.length, self.path)
        files.seek(self._handle, self.mark.length)

    # --- reading --------------------------------------------------------------------------------------------

    def header(self) -> Generation:
        """Read and check the header. Raises `DamagedError`, `StateError` for another version."""
        whole = files.read_at(self._handle, HEADER_SIZE, 0, self.path)
        if len(whole) < HEADER_SIZE:
            raise DamagedError(self.path, f"it ends after {len(whole)} bytes, its header has {HEADER_SIZE}")
        magic, version, folder_id, number, digest = _HEADER.unpack_from(whole)
        (checksum,) = _CHECKSUM.unpack_from(whole, _HEADER.size)
        if magic != MAGIC or checksum != zlib.crc32(whole[: _HEADER.size]):
            raise DamagedError(self.path, "the checksum of its header is wrong")
        sealed.check_version(self.path, version)
        self.mark = Mark(0, HEADER_SIZE, checksum)
        return Generation(folder_id, number, digest)

    def begin(self, generation: Generation) -> None:
        """Go to the first frame of a journal whose header cannot be read but should be that of `generation`."""
        self.mark = Mark(0, HEADER_SIZE, zlib.crc32(_header(generation)))

    def frames(self) -> Iterator[Frame]:
        """Read all frames after `header`; `mark` moves along and ends before a torn frame.

        Raises `DamagedError` for everything that is neither a whole frame nor the beginning of one.
        """
        size = self.size
        while self.mark.length < size and (frame := self._frame(size)) is not None:
            self.mark = Mark(frame.number, frame.end, frame.chain)
            yield frame

    @property
    def size(self) -> int:
        """The length of the file in bytes."""
        return files.size(self._handle)

    def _frame(self, size: int) -> Frame | None:
        position, number = self.mark.length, self.mark.frames + 1
        head = files.read_at(self._handle, HEAD_SIZE, position, self.path)
        expected = _START.pack(_FRAME_MAGIC, number)
        if head[: len(expected)] != expected[: len(head)]:
            raise self._damaged(number, "no frame with this number begins here")
        if len(head) < HEAD_SIZE:
            return None
        *_, record_length, content_length, checksum = _HEAD.unpack_from(head)
        (chain,) = _CHECKSUM.unpack_from(head, _HEAD.size)
        if chain != zlib.crc32(head[: _HEAD.size], self.mark.chain):
            raise self._damaged(number, "the checksum of its head is wrong")
        content_at = position + HEAD_SIZE + record_length
        end = content_at + content_length
        if end > size:
            return None
        record = self.read(position + HEAD_SIZE, record_length)
        if self._checksum(record, content_at, content_length) != checksum:
            raise self._damaged(number, "the checksum of its content is wrong")
        try:
            return Frame(number, cbor.decode(record), content_at, end, chain)
        except CborError as problem:
            raise self._damaged(number, str(problem)) from problem

    def _damaged(self, number: int, problem: str) -> DamagedError:
        return DamagedError(self.path, f"frame {number} at byte {self.mark.length}: {problem}")

    def _checksum(self, record: bytes, content_at: int, length: int) -> int:
        checksum = zlib.crc32(record)
        for offset in range(0, length, _BLOCK):
            piece = self.read(content_at + offset, min(_BLOCK, length - offset))
            checksum = zlib.crc32(piece, checksum)
        return checksum

    def read(self, position: int, length: int) -> bytes:
        """Read content that a frame refers to. Raises `DamagedError` when the file ends before."""
        content = files.read_at(self._handle, length, position, self.path)
        if len(content) != length:
            raise DamagedError(
                self.path, f"{length} bytes expected at byte {position}, it has {len(content)}"
            )
        return content

    def close(self) -> None:
        """Close the file."""
        files.close(self._handle)
