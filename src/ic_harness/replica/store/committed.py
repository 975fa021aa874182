"""How much of a journal was acknowledged: distinguishes a torn last frame from a lost one.

    file:  two slots of 52 bytes, written in turn
    slot:  4 bytes   magic "ICHC"
           16 bytes  id of the folder
           8 bytes   generation      } little endian
           8 bytes   frames          }
           8 bytes   length          } of the journal in bytes
           4 bytes   chain           } the journal's checksum up to there
           4 bytes   CRC-32 of the slot

A slot is written after its frame is in the journal and before any caller learns of the round. So a process
that is killed leaves a journal that is at least as long as the newest slot says, plus at most one frame,
whole or torn. A journal that is shorter has lost acknowledged rounds. There are two slots because a slot
may itself be torn by a power cut: the other one then is one frame behind.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError
from ic_harness.replica.store.identity import Generation

_SLOT: Final = struct.Struct("<4s16sQQQI")
_CHECKSUM: Final = struct.Struct("<I")
_SLOT_SIZE: Final = _SLOT.size + _CHECKSUM.size
_MAGIC: Final = b"ICHC"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the journal: after `frames` frames, at byte `length`, with the checksum `chain`."""

    frames: int
    length: int
    chain: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the file says: the newest readable mark, and how many of the two slots were readable (1 or 2)."""

    mark: Mark
    slots: int

    @property
    def most_frames(self) -> int:
        """How many frames a journal that belongs to this can have."""
        return self.mark.frames + 3 - self.slots


class Committed:
    """The open file of a generation."""

    def __init__(self, path: Path, generation: Generation, handle: int) -> None:
        self.path = path
        self._folder_id = generation.folder_id
        self._number = generation.number
        self._handle = handle

    @classmethod
    def create(cls, path: Path, generation: Generation, mark: Mark) -> Committed:
        """Make the file for a journal without frames."""
        committed = cls(path, generation, files.create(path))
        files.write(committed._handle, [committed._slot(mark) * 2], path)
        files.sync(committed._handle, path)
        return committed

    @classmethod
    def open(cls, path: Path, generation: Generation) -> Committed:
        """Open the file for writing."""
        return cls(path, generation, files.open_file(path, write=True))

    def put(self, mark: Mark) -> None:
        """Say that the journal is acknowledged up to `mark`. Raises `StateError`."""
        files.write_at(self._handle, self._slot(mark), mark.frames % 2 * _SLOT_SIZE, self.path)

    def sync(self) -> None:
        """Force what was put to the disk. Raises `StateError`."""
        files.sync(self._handle, self.path)

    def _slot(self, mark: Mark) -> bytes:
        content = _SLOT.pack(_MAGIC, self._folder_id, self._number, mark.frames, mark.length, mark.chain)
        return content + _CHECKSUM.pack(zlib.crc32(content))

    def close(self) -> None:
        """Close the file."""
        files.close(self._handle)


def read(path: Path, folder_id: bytes, number: int) -> Acknowledged:
    """Read what was acknowledged of journal `number`. Raises `DamagedError`."""
    content = files.read_whole(path, 2 * _SLOT_SIZE)
    if (found := files.length(path)) != 2 * _SLOT_SIZE:
        raise DamagedError(path, f"{2 * _SLOT_SIZE} bytes expected, it has {found}")
    parsed = [_parse(content[at : at + _SLOT_SIZE]) for at in (0, _SLOT_SIZE)]
    slots = [slot for slot in parsed if slot is not None]
    if not slots:
        raise DamagedError(path, "the checksums of both slots are wrong")
    for owner, generation, _ in slots:
        if (owner, generation) != (folder_id, number):
            raise DamagedError(
                path, "it belongs to another state folder or to another generation of this one"
            )
    return Acknowledged(max((mark for *_, mark in slots), key=lambda mark: mark.frames), len(slots))


def _parse(slot: bytes) -> tuple[bytes, int, Mark] | None:
    magic, folder_id, number, frames, length, chain = _SLOT.unpack_from(slot)
    (checksum,) = _CHECKSUM.unpack_from(slot, _SLOT.size)
    if magic != _MAGIC or checksum != zlib.crc32(slot[: _SLOT.size]):
        return None
    return folder_id, number, Mark(frames, length, chain)
