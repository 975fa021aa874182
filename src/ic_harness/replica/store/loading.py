"""Reading a state folder: which generation is the present one, what it holds, whether all of it is whole.

    lock              held by the process that uses the folder
    blobs/            modules, chunks, memories of snapshots, named by their SHA-256
    checkpoint-<n>/   `world` (records, the network's seed, sizes and checksums of memories), two sparse files a memory
    journal-<n>       the rounds since checkpoint n; its header names the checkpoint by digest
    committed-<n>     how much of the journal was acknowledged

The checkpoint with the highest number is the present one: it gets its name last, when its journal and
`committed` file are there. What has a lower number is left of the generation before. A draft
`checkpoint-<n>.new` and what else has its number is left of a checkpoint that was interrupted. All else that
is missing, or not as it was written, is a `DamagedError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from ic_harness.errors import StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.store import checkpoint, committed, files
from ic_harness.replica.store.blobs import FileBlobs
from ic_harness.replica.store.committed import Acknowledged
from ic_harness.replica.store.files import DamagedError, MissingError
from ic_harness.replica.store.identity import (
    Generation,
    checkpoint_path,
    committed_path,
    journal_path,
    parse_name,
)
from ic_harness.replica.store.journal import HEADER_SIZE, Frame, Journal
from ic_harness.replica.store.memories import Base
from ic_harness.replica.store.records import Contents, blobs_of


@dataclass(slots=True)
class Inventory:
    """The numbers of the checkpoints, journals, `committed` files and drafts of checkpoints in a folder."""

    checkpoints: set[int] = field(default_factory=set)
    journals: set[int] = field(default_factory=set)
    committed: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)
    other: set[str] = field(default_factory=set)

    @property
    def numbers(self) -> set[int]:
        """The numbers of all generations of which there is something."""
        return self.checkpoints | self.journals | self.committed | self.drafts

    @property
    def number(self) -> int:
        """The number of the present generation, 0 where no checkpoint is."""
        return max(self.checkpoints, default=0)


def inventory(folder: Path) -> Inventory:
    """List what is in a folder."""
    found = Inventory()
    kinds = {"checkpoint": found.checkpoints, "journal": found.journals, "committed": found.committed}
    for name in files.names(folder):
        parsed = parse_name(name)
        if parsed is None:
            found.other.add(name)
        elif not parsed[2]:
            kinds[parsed[0]].add(parsed[1])
        elif parsed[0] == "checkpoint":
            found.drafts.add(parsed[1])
    return found


@dataclass(slots=True)
class Loaded:
    """An opened state folder. `notes` tell what was found that is no damage, such as a torn frame."""

    generation: Generation
    seed: bytes
    contents: Contents
    journal: Journal
    acknowledged: Acknowledged | None
    notes: list[str] = field(default_factory=list)
    bases: list[Base] = field(init=False)
    """The memories of the checkpoint, also those that later frames replace."""

    def __post_init__(self) -> None:
        self.bases = [memory.base for memory in self.contents.memories.values() if memory.base is not None]


def load(folder: Path, found: Inventory, *, write: bool, durable: bool = False) -> Loaded | None:
    """Read the present generation of a folder; None when there is none yet. Raises `StateError`.

    With `write` the journal is opened for appending. Nothing is changed. `durable` is whether every acknowledged frame
    was forced to the disk: what is damaged behind the last of them is then what a power cut left, and is left out.
    """
    if is_new(folder, found):
        return None
    begun = checkpoint.read(folder, found.number)
    acknowledged = committed.read(
        committed_path(folder, found.number), begun.generation.folder_id, found.number
    )
    journal = Journal.open(journal_path(folder, found.number), write=write)
    try:
        loaded = Loaded(begun.generation, begun.seed, begun.contents, journal, acknowledged)
        for base in loaded.bases:
            base.check()
        replay(loaded, durable=durable)
    except BaseException:
        journal.close()
        raise
    return loaded


def replay(loaded: Loaded, *, durable: bool = False) -> None:
    """Check the header of the journal and apply its frames. Raises `DamagedError`."""
    acknowledged = loaded.acknowledged
    assert acknowledged is not None, "bug: a journal of this version without its acknowledged length"
    check_header(loaded)
    try:
        for _ in applied(loaded):
            check_mark(loaded, acknowledged)
    except DamagedError:
        unanswered = loaded.journal.mark.frames >= acknowledged.mark.frames and acknowledged.slots == 2
        if not (durable and unanswered):
            raise
    check_end(loaded, acknowledged)
    loaded.notes += notes(loaded)


def check_header(loaded: Loaded) -> None:
    """Raise `DamagedError` when the journal does not go on from the checkpoint."""
    if loaded.journal.header() != loaded.generation:
        raise DamagedError(loaded.journal.path, "it goes on from another checkpoint than the one beside it")


def applied(loaded: Loaded) -> Iterator[Frame]:
    """Apply the frames of the journal, and give each. Raises `DamagedError` at the first that is not whole."""
    for frame in loaded.journal.frames():
        try:
            loaded.contents.apply(frame.record, frame.content_at)
        except StateError as problem:
            raise DamagedError(loaded.journal.path, f"frame {frame.number}: {problem}") from problem
        yield frame


def check_mark(loaded: Loaded, acknowledged: Acknowledged) -> None:
    """Raise `DamagedError` when the journal differs where it was acknowledged last."""
    mark = loaded.journal.mark
    if mark.frames == acknowledged.mark.frames and mark != acknowledged.mark:
        raise DamagedError(
            loaded.journal.path,
            f"after frame {mark.frames} it differs from what committed-{loaded.generation.number} says",
        )


def check_end(loaded: Loaded, acknowledged: Acknowledged) -> None:
    """Raise `DamagedError` when frames are missing that were acknowledged, or more are there than can be."""
    wanted, journal = acknowledged.mark, loaded.journal
    if journal.mark.frames < wanted.frames:
        raise DamagedError(
            journal.path,
            f"it ends at byte {journal.size} with {journal.mark.frames} whole frames, "
            f"{wanted.frames} frames up to byte {wanted.length} were acknowledged",
        )
    if journal.mark.frames > acknowledged.most_frames:
        raise DamagedError(
            committed_path(journal.path.parent, loaded.generation.number),
            f"it knows of {wanted.frames} frames, the journal has {journal.mark.frames}",
        )


def notes(loaded: Loaded) -> list[str]:
    """What is to be told of a folder that is not damaged."""
    found = []
    journal, acknowledged = loaded.journal, loaded.acknowledged
    torn = journal.size - journal.mark.length
    if torn:
        found.append(
            f"{journal.path}: frame {journal.mark.frames + 1} is torn, {torn} bytes of it are there; it is cut "
            "off, its round was never answered"
        )
    if acknowledged is not None and acknowledged.slots < 2:
        found.append(f"one of the two slots of committed-{loaded.generation.number} was not readable")
    return found


def check_blobs(loaded: Loaded, blobs: FileBlobs) -> None:
    """Check every blob that the state refers to. Raises `DamagedError`."""
    state = loaded.contents.state
    for digest in sorted(blobs_of(state)) if state is not None else ():
        blobs.check(digest)


def is_new(folder: Path, found: Inventory) -> bool:
    """Whether nothing was ever kept in a folder. Raises `MissingError` when something was that is gone."""
    _check_later(folder, found)
    if found.checkpoints:
        return False
    blobs = folder / "blobs"
    if files.check_folder(blobs) and files.names(blobs):
        raise MissingError(checkpoint_path(folder, 0), "blobs")
    return True


def _check_later(folder: Path, found: Inventory) -> None:
    """Files of a later generation are left of a checkpoint that was never complete, which its draft shows."""
    present = found.number if found.checkpoints else -1
    for number in sorted(found.journals | found.committed):
        path = journal_path(folder, number)
        begun = number in found.drafts and (number not in found.journals or files.length(path) <= HEADER_SIZE)
        if number > present and not begun:
            raise MissingError(checkpoint_path(folder, number), path.name)
