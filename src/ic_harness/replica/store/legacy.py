"""State folders of version 1: read once, and then written anew in the present format.

    seed              the seed of the network, no checksum
    checkpoint-<n>/   world (CBOR), and two files a memory, no checksums
    journal-<n>       frames: magic "ICHJ", length of record (4), of content (8), CRC-32 of both; no header

The format cannot tell a damaged length of the last frame from a torn frame in general. Here a last frame is
taken for torn only when the bytes that follow its head fit no length: neither another frame nor the end of
a whole one is among them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor
from ic_harness.replica.state.replicated_state import ReplicatedState
from ic_harness.replica.store import files, loading, sealed
from ic_harness.replica.store import journal as present
from ic_harness.replica.store.codec import from_plain
from ic_harness.replica.store.committed import Mark
from ic_harness.replica.store.files import DamagedError, MissingError
from ic_harness.replica.store.identity import Generation, checkpoint_path, journal_path
from ic_harness.replica.store.journal import Frame, Journal
from ic_harness.replica.store.loading import Inventory, Loaded
from ic_harness.replica.store.memories import Base, StoredMemory
from ic_harness.replica.store.records import Contents

VERSION: Final = 1
SEED_FILE: Final = "seed"
_HEAD: Final = struct.Struct("<4sIQI")
_MAGIC: Final = b"ICHJ"


def is_legacy(folder: Path, found: Inventory) -> bool:
    """Whether version 1 wrote the present generation: it has a file of that version and none of the next."""
    number = found.number
    begins = _beginning(journal_path(folder, number)) if number in found.journals else b""
    if number in found.committed or begins == present.MAGIC:
        return False
    if found.checkpoints:
        return _beginning(checkpoint_path(folder, number) / "world") != sealed.MAGIC
    return SEED_FILE in found.other or begins[: len(_MAGIC)] == _MAGIC


def _beginning(path: Path) -> bytes:
    try:
        return next(files.blocks(path), b"")[:8]
    except DamagedError:
        return b""


def load(folder: Path, found: Inventory) -> Loaded:
    """Read a folder of version 1; its journal is open for reading. Raises `StateError`."""
    loaded = begin(folder, found)
    try:
        for base in loaded.bases:
            base.check()
        for _ in applied(loaded):
            pass
        loaded.notes += loading.notes(loaded)
        _require_seed(folder, loaded)
    except BaseException:
        loaded.journal.close()
        raise
    return loaded


def begin(folder: Path, found: Inventory) -> Loaded:
    """Read the checkpoint and the seed (empty when it is missing), and open the journal. Raises `StateError`."""
    for later in sorted(number for number in found.journals if number > found.number):
        if _beginning(journal_path(folder, later)) != present.MAGIC and later not in found.drafts:
            raise MissingError(checkpoint_path(folder, later), f"journal-{later}")
    seed = files.read_whole(folder / SEED_FILE) if SEED_FILE in found.other else b""
    inside = checkpoint_path(folder, found.number)
    contents = _read_checkpoint(inside) if found.checkpoints else Contents()
    number = _journal_number(folder, found)
    journal = Journal.open(journal_path(folder, number), write=False)
    if number != found.number:  # the checkpoint holds what is in it already
        journal.mark = Mark(0, journal.size, 0)
    return Loaded(Generation(b"", found.number, b""), seed, contents, journal, None)


def _require_seed(folder: Path, loaded: Loaded) -> None:
    if not loaded.seed and loaded.contents.state is not None:
        raise MissingError(folder / SEED_FILE)


def _journal_number(folder: Path, found: Inventory) -> int:
    """The journal to read. A process killed between two steps of a checkpoint leaves the one before only."""
    for number in (found.number, found.number - 1):
        if number in found.journals:
            return number
    raise MissingError(journal_path(folder, found.number))


def _read_checkpoint(inside: Path) -> Contents:
    files.check_folder(inside)
    path = inside / "world"
    try:
        record = cbor.decode(files.read_whole(path))
        _check_version(record, path)
        memories = {
            entry[0]: StoredMemory(
                entry[1], entry[2], tuple(entry[3]), Base(inside, entry[0], (entry[1], entry[2]), None)
            )
            for entry in record["memories"]
        }
        return Contents(from_plain(record["world"], ReplicatedState), memories)
    except (CborError, LookupError, TypeError, ValueError) as problem:
        raise DamagedError(path, f"it holds no checkpoint: {problem}") from problem


def applied(loaded: Loaded) -> Iterator[Frame]:
    """Apply the frames of the journal, and give each. Raises `DamagedError` at the first that is not whole."""
    journal = loaded.journal
    for frame in _frames(journal):
        _check_version(frame.record, journal.path)
        try:
            loaded.contents.apply(frame.record, frame.content_at)
        except StateError as problem:
            raise DamagedError(journal.path, f"frame {frame.number}: {problem}") from problem
        yield frame


def _check_version(record: Any, path: Path) -> None:
    found = record.get("version") if isinstance(record, dict) else None
    if found != VERSION:
        raise DamagedError(path, f"it says version {found} where {VERSION} belongs")


def _frames(journal: Journal) -> Iterator[Frame]:
    size = journal.size
    while journal.mark.length < size and (frame := _frame(journal, size)) is not None:
        journal.mark = Mark(frame.number, frame.end, 0)
        yield frame


def _frame(journal: Journal, size: int) -> Frame | None:
    position, number = journal.mark.length, journal.mark.frames + 1
    where = f"frame {number} at byte {position}"
    head = journal.read(position, min(_HEAD.size, size - position))
    if head[: len(_MAGIC)] != _MAGIC[: len(head)]:
        raise DamagedError(journal.path, f"{where}: no frame begins here")
    if len(head) < _HEAD.size:
        return None
    _, record_length, content_length, checksum = _HEAD.unpack(head)
    start = position + _HEAD.size
    end = start + record_length + content_length
    if end > size:
        if _fits_otherwise(journal.read(start, size - start), checksum):
            raise DamagedError(journal.path, f"{where}: the lengths in its head are wrong")
        return None
    record = journal.read(start, record_length)
    content = journal.read(start + record_length, content_length)
    if zlib.crc32(content, zlib.crc32(record)) != checksum:
        raise DamagedError(journal.path, f"{where}: the checksum of its content is wrong")
    try:
        return Frame(number, cbor.decode(record), start + record_length, end, 0)
    except CborError as problem:
        raise DamagedError(journal.path, f"{where}: {problem}") from problem


def _fits_otherwise(rest: bytes, checksum: int) -> bool:
    """Whether what follows a head is a whole frame of another length, with or without frames behind it."""
    if zlib.crc32(rest) == checksum:
        return True
    at = -1
    while (at := rest.find(_MAGIC, at + 1)) >= 0:
        if at + _HEAD.size > len(rest):
            return False
        _, record_length, content_length, other = _HEAD.unpack_from(rest, at)
        start = at + _HEAD.size
        end = start + record_length + content_length
        if end <= len(rest) and zlib.crc32(memoryview(rest)[start:end]) == other:
            return True
    return False
