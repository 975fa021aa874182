"""Examining a state folder part by part, without changing it: what is whole, what is not, what can be saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError, StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.randomness import fresh_seed
from ic_harness.replica.state.rejects import name
from ic_harness.replica.state.replicated_state import Canister
from ic_harness.replica.store import checkpoint, committed, files, legacy, loading
from ic_harness.replica.store.blobs import FileBlobs
from ic_harness.replica.store.committed import Acknowledged
from ic_harness.replica.store.files import DamagedError, MissingError
from ic_harness.replica.store.identity import Generation, committed_path, journal_path
from ic_harness.replica.store.journal import Journal
from ic_harness.replica.store.loading import Inventory, Loaded
from ic_harness.replica.store.lock import FolderLock
from ic_harness.replica.store.memories import REGIONS
from ic_harness.replica.store.records import Contents, blobs_of
from ic_harness.units import human_bytes

_NEW_SEED: Final = "the seed: the network gets a new root key and new random numbers"


@dataclass(frozen=True, slots=True)
class StateFinding:
    """What was found of one part of a folder: `state` is whole, torn (harmless), damaged or left over."""

    part: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class StateReport:
    """What was found in a state folder.

    `whole` says that the folder can be opened and nothing is lost. `saved` says what a salvage keeps, None when
    it can keep nothing; `lost` names what it cannot keep.
    """

    folder: str
    whole: bool
    findings: tuple[StateFinding, ...]
    saved: str | None
    lost: tuple[str, ...]


@dataclass(slots=True)
class Examination:
    """An examined folder. `loaded` is the longest consistent state that was found, None when there is none."""

    folder: Path
    found: Inventory
    blobs: FileBlobs
    loaded: Loaded | None = None
    findings: list[StateFinding] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unreadable: set[Path] = field(default_factory=set)
    """Files of memories and blobs that are not whole."""

    def report(self) -> StateReport:
        """What is told of the folder."""
        whole = not any(found.state == "damaged" for found in self.findings)
        saved = None if self.loaded is None else _describe(self.loaded)
        return StateReport(str(self.folder), whole, tuple(self.findings), saved, tuple(self.lost))

    def note(self, part: str, state: str, detail: str) -> None:
        """Keep a finding."""
        self.findings.append(StateFinding(part, state, detail))

    def check(self, part: str, problem: StateError) -> None:
        """Keep that a part is damaged; the advice at the end of the error is for opening the folder."""
        told = f"{problem.path}: {problem.problem}" if isinstance(problem, DamagedError) else str(problem)
        self.note(part, "damaged", told)

    def usable(self, canister: Canister) -> bool:
        """Whether module and memory of a canister can be put together."""
        assert self.loaded is not None, "bug: no state to look into"
        if not canister.installed:
            return True
        memory = self.loaded.contents.memories.get(canister.id)
        if memory is None or self.blobs.path(canister.module_hash) in self.unreadable:
            return False
        return memory.base is None or not {*map(memory.base.path, REGIONS)} & self.unreadable


@contextmanager
def examined(folder: Path) -> Iterator[Examination]:
    """Examine a folder that no process uses. Raises `InputError` when there is none, `StateError` when in use."""
    if not folder.is_dir():
        raise InputError(f"there is no state folder {folder}")
    lock = FolderLock(folder, write=False)
    result = Examination(folder, loading.inventory(folder), FileBlobs(folder / "blobs"))
    try:
        _examine(result)
        yield result
    finally:
        if result.loaded is not None:
            result.loaded.journal.close()
        lock.release()


def _examine(result: Examination) -> None:
    old = legacy.is_legacy(result.folder, result.found)
    result.loaded = _legacy(result) if old else _present(result)
    if result.loaded is None:
        if not result.findings:
            result.note("folder", "whole", "no state is in it yet")
        return
    _frames(result, result.loaded, old=old)
    _memories(result, result.loaded)
    _blobs(result, result.loaded)
    _left_over(result, result.loaded)


# --- the generation -----------------------------------------------------------------------------------------


def _present(result: Examination) -> Loaded | None:
    """Find the newest checkpoint whose records are whole, and open its journal."""
    try:
        if loading.is_new(result.folder, result.found):
            return None
    except StateError as problem:
        result.check("folder", problem)
    for number in sorted(result.found.checkpoints, reverse=True):
        try:
            begun = checkpoint.read(result.folder, number)
        except StateError as problem:
            result.check(f"checkpoint {number}", problem)
            continue
        opened = _opened(result, begun.generation)
        if opened is not None:
            if number < result.found.number:
                result.lost.append(f"what was kept since checkpoint {number} was replaced")
            return Loaded(begun.generation, begun.seed, begun.contents, *opened)
    return _without_checkpoint(result)


def _opened(result: Examination, generation: Generation) -> tuple[Journal, Acknowledged | None] | None:
    folder, number = result.folder, generation.number
    acknowledged = None
    try:
        acknowledged = committed.read(committed_path(folder, number), generation.folder_id, number)
        frames = acknowledged.mark.frames
        result.note(f"committed {number}", "whole", f"{frames} frames were acknowledged")
    except StateError as problem:
        result.check(f"committed {number}", problem)
    try:
        return Journal.open(journal_path(folder, number), write=False), acknowledged
    except StateError as problem:
        result.check(f"journal {number}", problem)
        return None


def _without_checkpoint(result: Examination) -> Loaded | None:
    """The first journal holds everything but the seed, so it can be saved under a new root key."""
    if 0 not in result.found.journals:
        return None
    try:
        journal = Journal.open(journal_path(result.folder, 0), write=False)
    except StateError:
        return None
    try:
        generation = journal.header()
        acknowledged = committed.read(committed_path(result.folder, 0), generation.folder_id, 0)
    except StateError:
        journal.close()
        return None
    result.lost.append(_NEW_SEED)
    return Loaded(generation, fresh_seed(), Contents(), journal, acknowledged)


def _legacy(result: Examination) -> Loaded | None:
    try:
        loaded = legacy.begin(result.folder, result.found)
    except StateError as problem:
        result.check("version 1", problem)
        return None
    if not loaded.seed:
        result.check("seed", MissingError(result.folder / legacy.SEED_FILE))
        result.lost.append(_NEW_SEED)
        loaded.seed = fresh_seed()
    return loaded


# --- its parts ----------------------------------------------------------------------------------------------


def _frames(result: Examination, loaded: Loaded, *, old: bool) -> None:
    """Apply the frames as far as they are whole."""
    journal, number, acknowledged = loaded.journal, loaded.generation.number, loaded.acknowledged
    part = f"journal {number}"
    if not old:
        try:
            loading.check_header(loaded)
        except StateError as problem:
            result.check(part, problem)
            journal.begin(loaded.generation)
    try:
        for _ in legacy.applied(loaded) if old else loading.applied(loaded):
            if acknowledged is not None:
                loading.check_mark(loaded, acknowledged)
        if acknowledged is not None:
            loading.check_end(loaded, acknowledged)
    except StateError as problem:
        result.check(part, problem)
        result.lost.append(f"what was after frame {journal.mark.frames} of journal {number}")
    else:
        for note in loading.notes(loaded):
            result.note(part, "torn", note)
    count = journal.mark.frames
    total = max(count, acknowledged.mark.frames if acknowledged else 0)
    told = f"frames 1 to {count} of {total} are whole" if count else f"none of {total} frames is whole"
    result.note(part, "whole", told if total else "it has no frames")


def _memories(result: Examination, loaded: Loaded) -> None:
    """Check the memories of the checkpoint, also those that later frames replaced."""
    number, found = loaded.generation.number, 0
    if number not in result.found.checkpoints:
        return
    for base in loaded.bases:
        try:
            base.check()
            found += 1
        except StateError as problem:
            result.check(f"checkpoint {number}", problem)
            result.unreadable |= {base.path(region) for region in REGIONS}
    result.note(f"checkpoint {number}", "whole", f"records and {found} memories")


def _blobs(result: Examination, loaded: Loaded) -> None:
    state = loaded.contents.state
    wanted = sorted(blobs_of(state)) if state is not None else []
    try:
        files.check_folder(result.folder / "blobs")
    except StateError as problem:
        result.check("blobs", problem)
    for digest in wanted:
        try:
            result.blobs.check(digest)
        except StateError as problem:
            result.check("blobs", problem)
            result.unreadable.add(result.blobs.path(digest))
    damaged = sum(result.blobs.path(digest) in result.unreadable for digest in wanted)
    result.note("blobs", "whole", f"{len(wanted) - damaged} of {len(wanted)} modules, chunks and snapshots")
    for canister in state.canisters.values() if state is not None else ():
        if not result.usable(canister):
            result.lost.append(f"canister {name(canister.id)}: its memory or module is damaged")


def _left_over(result: Examination, loaded: Loaded) -> None:
    for number in sorted(result.found.numbers - {loaded.generation.number}):
        if number < loaded.generation.number or number in result.found.drafts:
            result.note(f"generation {number}", "left over", "the next start removes it")


def _describe(loaded: Loaded) -> str:
    state = loaded.contents.state
    if state is None:
        return "the seed; no round was kept"
    size = sum(memory.heap_size + memory.stable_size for memory in loaded.contents.memories.values())
    count = len(state.canisters)
    return f"round {state.round}: {count} canister{'s' * (count != 1)} with {human_bytes(size)} of memory"
