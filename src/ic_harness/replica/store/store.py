"""An open state folder: how it is opened and made, how rounds are added, when a checkpoint is made.

What is in the folder is described in `loading`. To checkpoint: write a new generation beside the present one,
give it its name, delete the old one. Being killed between any two of these steps leaves either the old
generation or the new one whole.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import StateError
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.randomness import fresh_seed
from ic_harness.replica.state.replicated_state import Canister, ReplicatedState
from ic_harness.replica.store import checkpoint, files, legacy, loading
from ic_harness.replica.store.blobs import FileBlobs
from ic_harness.replica.store.canister_writer import CanisterWriter
from ic_harness.replica.store.checkpoint import Draft
from ic_harness.replica.store.committed import Committed
from ic_harness.replica.store.identity import committed_path
from ic_harness.replica.store.journal import Journal
from ic_harness.replica.store.loading import Loaded
from ic_harness.replica.store.lock import FolderLock
from ic_harness.replica.store.memories import CanisterMemories, StoredMemory
from ic_harness.replica.store.records import blobs_of, memory_entries, record_of
from ic_harness.units import MIB

CHECKPOINT_BYTES: Final = 512 * MIB
"""A journal longer than this (and than the memories twice) is turned into a checkpoint."""

CLOSING_BYTES: Final = 32 * MIB
"""At the end of a process a journal longer than this is turned into a checkpoint, for a fast next start."""

FOLDER_ID_LENGTH: Final = 16
_log: Final = logging.getLogger(__name__)


class Store:
    """An open state folder. `state` is what was found in it, None when no round was kept yet.

    `seed` is the network's: the one of the folder, in a new folder `wanted_seed` or a drawn one. `notes` tell
    what was found that is no damage, such as a torn frame that was cut off. Raises `StateError` when the folder
    is damaged, in use, of another version, cannot be written, or belongs to another seed. With `durable` every round is
    forced to the disk, together with what it names, before `append` returns.
    """

    def __init__(self, folder: Path, wanted_seed: bytes | None = None, *, durable: bool = False) -> None:
        self._durable = durable
        files.make_folder(folder)
        self.folder = folder
        self._lock = FolderLock(folder)
        self._files: list[Journal | Committed] = []
        try:
            self._open(wanted_seed)
        except BaseException:
            self.release()
            raise

    # --- opening --------------------------------------------------------------------------------------------

    def _open(self, wanted_seed: bytes | None) -> None:
        self.blobs = FileBlobs(self.folder / "blobs")
        self._changed: set[bytes] = set()  # by this process: their memory is live
        self._canisters = CanisterWriter()
        # Queries load memories on threads of their own: meanwhile no checkpoint may take the files away.
        self._switching = threading.Lock()
        self._pinned: weakref.WeakSet[Any] = weakref.WeakSet()
        self._failure: BaseException | None = None
        self._memory_bytes = 0  # of the last checkpoint
        self.notes: list[str] = []
        found = loading.inventory(self.folder)
        if legacy.is_legacy(self.folder, found):
            self._migrate(legacy.load(self.folder, found), wanted_seed)
        else:
            loaded = loading.load(self.folder, found, write=True, durable=self._durable)
            if loaded is None:
                self._begin(fresh_seed() if wanted_seed is None else wanted_seed)
            else:
                self._go_on(loaded, wanted_seed)
        self._sweep()
        self.blobs.keep_only(set() if self.state is None else blobs_of(self.state))
        for note in self.notes:
            _log.warning("%s", note)

    def _begin(self, seed: bytes) -> None:
        """Make the first generation of a new folder."""
        self.seed = seed
        self._folder_id = fresh_seed()[:FOLDER_ID_LENGTH]
        self.state: ReplicatedState | None = None
        self._write_generation(0, None, iter(()))

    def _go_on(self, loaded: Loaded, wanted_seed: bytes | None) -> None:
        """Take over what was read, and cut a torn frame off."""
        self._files.append(loaded.journal)
        loading.check_blobs(loaded, self.blobs)
        self._take_seed(loaded.seed, wanted_seed)
        number = loaded.generation.number
        self._committed = Committed.open(committed_path(self.folder, number), loaded.generation)
        self._files.append(self._committed)
        loaded.journal.cut()
        # A whole frame that was not acknowledged is so from now on: what follows goes on from it.
        self._committed.put(loaded.journal.mark)
        self._folder_id, self._number = loaded.generation.folder_id, number
        self._journal = loaded.journal
        self._memories = loaded.contents.memories
        self.state = loaded.contents.state
        self.notes += loaded.notes

    def _migrate(self, loaded: Loaded, wanted_seed: bytes | None) -> None:
        """Write what version 1 kept as a generation of the present version."""
        try:
            loading.check_blobs(loaded, self.blobs)
            fresh = loaded.seed or (fresh_seed() if wanted_seed is None else wanted_seed)
            self._take_seed(fresh, wanted_seed)
            self._folder_id = fresh_seed()[:FOLDER_ID_LENGTH]
            self.state = loaded.contents.state
            memories = loaded.contents.memories.items()
            self._write_generation(
                loaded.generation.number + 1,
                self.state,
                ((canister_id, partial(memory.load, loaded.journal)) for canister_id, memory in memories),
            )
        finally:
            loaded.journal.close()
        self.notes += [*loaded.notes, f"{self.folder} was brought from version 1 of the state format to 2"]

    def _take_seed(self, kept: bytes, wanted: bytes | None) -> None:
        if wanted is not None and wanted != kept:
            raise StateError(
                f"{self.folder} belongs to a network with another seed: leave the seed out, or use another folder"
            )
        self.seed = kept

    def _sweep(self) -> None:
        """Remove what an interrupted checkpoint, the generation before, or version 1 left."""
        for name in files.names(self.folder):
            if name in {legacy.SEED_FILE, f"{legacy.SEED_FILE}.new"}:
                files.remove(self.folder / name)
        found = loading.inventory(self.folder)
        for number in found.numbers - {self._number}:
            checkpoint.clear(self.folder, number)

    def load_memory(self, canister_id: bytes) -> StateImage | None:
        """The memory of a canister as this process found it, None when there is none. Raises `StateError`."""
        with self._switching:
            memory = self._memories.get(canister_id)
            return None if memory is None else memory.load(self._journal)

    # --- rounds ---------------------------------------------------------------------------------------------

    def append(self, state: ReplicatedState, changes: StateDelta, memories: CanisterMemories) -> None:
        """Keep what a round changed. When this returns it survives the death of the process.

        With `durable` it survives a power cut too. Raises `StateError`; nothing of the round is then kept, and no
        later round is taken, because it would go on from one that is not there.
        """
        if self._failure is not None:
            raise StateError(f"no round can be kept after a failure: {self._failure!r}") from self._failure
        try:
            entries, content, changed = memory_entries(state, changes, memories)
            if self._durable:
                self.blobs.sync()
            self._journal.append(record_of(state, changes, entries, self._canisters), content)
            if self._durable:
                self._journal.sync()
            self._committed.put(self._journal.mark)
            if self._durable:
                self._committed.sync()
            self._changed |= changed
            if self._journal.mark.length > max(CHECKPOINT_BYTES, 2 * self._memory_bytes):
                self.checkpoint(state, memories)
        except BaseException as failure:
            self._failure = failure
            raise

    def pin(self, holder: Any) -> None:
        """Keep the blobs that `holder.state` names, for as long as `holder` lives."""
        self._pinned.add(holder)

    # --- checkpoints ----------------------------------------------------------------------------------------

    def checkpoint(self, state: ReplicatedState, memories: CanisterMemories) -> None:
        """Write the whole state and begin a new journal. Raises `StateError`; the old state is then whole."""
        self.blobs.sync()
        self._write_generation(self._number + 1, state, self._images(state, memories))
        self._changed.clear()
        self._sweep()
        self.blobs.keep_only(
            set[bytes]().union(blobs_of(state), *(blobs_of(holder.state) for holder in self._pinned))
        )

    def _images(self, state: ReplicatedState, memories: CanisterMemories) -> Iterator[tuple[bytes, Any]]:
        for canister in state.canisters.values():
            if canister.installed:
                yield canister.id, partial(self._image, canister, memories)

    def _image(self, canister: Canister, memories: CanisterMemories) -> StateImage | StoredMemory:
        stored = self._memories.get(canister.id)
        if canister.id not in self._changed and stored is not None:
            return stored if stored.is_base else stored.load(self._journal)
        return memories.export_state(canister)

    def _write_generation(
        self, number: int, state: ReplicatedState | None, memories: Iterator[tuple[bytes, Any]]
    ) -> None:
        draft = Draft(self._folder_id, number, self.seed, state, memories)
        contents, journal, committed = checkpoint.write(self.folder, draft)
        with self._switching:
            old, self._files = self._files, [journal, committed]
            self._journal, self._committed, self._number = journal, committed, number
            self._memories = contents.memories
        self._memory_bytes = sum(
            memory.heap_size + memory.stable_size for memory in contents.memories.values()
        )
        for file in old:
            file.close()

    def close(self, state: ReplicatedState | None, memories: CanisterMemories) -> None:
        """Close the folder; `state` None means that the state is not whole and must not be written."""
        try:
            if state is not None and self._failure is None and self._journal.mark.length > CLOSING_BYTES:
                self.checkpoint(state, memories)
        except StateError as failure:  # the journal holds everything: only the next start takes longer
            _log.warning("no checkpoint at the end: %s", failure)
        finally:
            self.release()

    def release(self) -> None:
        """Release the folder without writing anything."""
        opened, self._files = self._files, []
        for file in opened:
            file.close()
        self._lock.release()
