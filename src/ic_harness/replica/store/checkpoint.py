"""Checkpoints: the whole state as files, and the empty journal that goes on from it.

A checkpoint is complete as soon as its folder has its final name; its journal and `committed` file are
there before. So a process that is killed leaves the old generation whole, or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ic_harness.errors import StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.memory_image import SparseBytes, StateImage
from ic_harness.replica.state.replicated_state import ReplicatedState
from ic_harness.replica.store import files, sealed, zero_runs
from ic_harness.replica.store.codec import from_plain, to_plain
from ic_harness.replica.store.committed import Committed
from ic_harness.replica.store.files import DamagedError
from ic_harness.replica.store.identity import (
    Generation,
    checkpoint_path,
    committed_path,
    draft_path,
    journal_path,
)
from ic_harness.replica.store.journal import Journal
from ic_harness.replica.store.memories import REGIONS, Base, StoredMemory, memory_file
from ic_harness.replica.store.records import Contents, check_world

WORLD_FILE = "world"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read: which generation it begins, the seed of the network, and what it holds."""

    generation: Generation
    seed: bytes
    contents: Contents


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new checkpoint shall hold.

    `memories` has a function for the memory of each installed canister. It returns the stored memory where the
    checkpoint before holds all of it, otherwise the whole image.
    """

    folder_id: bytes
    number: int
    seed: bytes
    state: ReplicatedState | None
    memories: Iterable[tuple[bytes, Callable[[], StateImage | StoredMemory]]]


def read(folder: Path, number: int) -> Checkpoint:
    """Read a checkpoint without its memories. Raises `DamagedError`, `StateError` for another version."""
    inside = checkpoint_path(folder, number)
    if not files.check_folder(inside):
        raise files.MissingError(inside)
    path = inside / WORLD_FILE
    value, digest = sealed.read(path)
    if not isinstance(value, dict) or value.get("number") != number:
        raise DamagedError(path, "it does not belong to the checkpoint with this number")
    try:
        state = None if value["world"] is None else from_plain(value["world"], ReplicatedState)
        memories = {entry[0]: _stored(inside, entry) for entry in value["memories"]}
        generation = Generation(value["folder"], number, digest)
        return Checkpoint(generation, value["seed"], Contents(state, memories))
    except (LookupError, TypeError, ValueError) as problem:
        raise DamagedError(path, f"it holds no checkpoint: {problem!r}") from problem
    except StateError as problem:
        raise DamagedError(path, str(problem)) from problem


def _stored(inside: Path, entry: list[Any]) -> StoredMemory:
    canister_id, heap, stable, globals_, *checksums = entry
    heap_sum, stable_sum = checksums
    base = Base(inside, canister_id, (heap, stable), (heap_sum, stable_sum))
    return StoredMemory(heap, stable, tuple(globals_), base)


def write(folder: Path, draft: Draft) -> tuple[Contents, Journal, Committed]:
    """Write a checkpoint and begin its journal. Raises `StateError`; the folder is then as before.

    The contents have where the memories are now, and no state.
    """
    opened: list[Journal | Committed] = []
    clear(folder, draft.number)
    try:
        generation, contents = _write_draft(folder, draft)
        journal = Journal.create(journal_path(folder, draft.number), generation)
        opened.append(journal)
        committed = Committed.create(committed_path(folder, draft.number), generation, journal.mark)
        opened.append(committed)
        files.sync_folder(folder)
        files.rename(draft_path(folder, draft.number), checkpoint_path(folder, draft.number))
        files.sync_folder(folder)
    except BaseException:
        _give_up(folder, draft.number, opened)
        raise
    return contents, journal, committed


def _give_up(folder: Path, number: int, opened: list[Journal | Committed]) -> None:
    """Close and remove what was begun; what cannot be removed is swept when the folder is opened again."""
    for file in opened:
        file.close()
    if checkpoint_path(folder, number).exists():
        return  # interrupted just after the rename: the new generation is whole
    with suppress(StateError):
        clear(folder, number)


def clear(folder: Path, number: int) -> None:
    """Remove what there is of a generation that is not the present one.

    The draft goes last: it shows that the other files are of a checkpoint that was never complete.
    """
    for path in (checkpoint_path, journal_path, committed_path, draft_path):
        files.remove(path(folder, number))


def _write_draft(folder: Path, draft: Draft) -> tuple[Generation, Contents]:
    inside, final = draft_path(folder, draft.number), checkpoint_path(folder, draft.number)
    files.make_folder(inside)
    memories = {
        canister_id: _write_memory(inside, final, canister_id, image())
        for canister_id, image in draft.memories
    }
    if draft.state is not None:
        check_world(draft.state)
    value = {
        "folder": draft.folder_id,
        "number": draft.number,
        "seed": draft.seed,
        "world": None if draft.state is None else to_plain(draft.state),
        "memories": [_entry(memory) for memory in memories.values()],
    }
    digest = sealed.write(inside / WORLD_FILE, value)
    files.sync_folder(inside)
    return Generation(draft.folder_id, draft.number, digest), Contents(None, memories)


def _entry(memory: StoredMemory) -> list[Any]:
    base = memory.base
    assert base is not None, "bug: a memory of a checkpoint without files"
    assert base.checksums is not None, "bug: a checkpoint without checksums"
    return [base.canister_id, memory.heap_size, memory.stable_size, list(memory.globals), *base.checksums]


def _write_memory(
    inside: Path, final: Path, canister_id: bytes, memory: StateImage | StoredMemory
) -> StoredMemory:
    if isinstance(memory, StoredMemory):
        base = memory.base
        assert base is not None, "bug: only a whole memory can be taken over"
        for region in REGIONS:
            _take_over(base.path(region), memory_file(inside, canister_id, region))
        sizes, checksums, globals_ = base.sizes, base.checksums, memory.globals
    else:
        parts, globals_ = (memory.heap, memory.stable), memory.globals
        for region, content in zip(REGIONS, parts, strict=True):
            path = memory_file(inside, canister_id, region)
            files.write_new_sparse(path, content.pieces, content.size)
        sizes = (len(memory.heap), len(memory.stable))
        checksums = (_checksum(memory.heap), _checksum(memory.stable))
    return StoredMemory(*sizes, globals_, Base(final, canister_id, sizes, checksums))


def _take_over(old: Path, new: Path) -> None:
    if not files.link(old, new):
        files.write_new_sparse(new, files.pieces(old), files.length(old))


def _checksum(content: SparseBytes) -> int:
    return zero_runs.crc32(content.pieces, content.size)
