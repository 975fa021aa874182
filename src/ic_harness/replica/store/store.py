"""A state folder: what is in it, how it is opened, how rounds are added, when a checkpoint is made.

    lock              held by the process that uses the folder
    seed              what keys and random numbers of the network follow from
    blobs/            modules, chunks, memories of snapshots, by SHA-256
    checkpoint-<n>/   world, and one file for each memory; complete as soon as it has this name
    journal-<n>       the rounds since checkpoint n

To open: take the newest checkpoint, read its journal, drop a torn end. To checkpoint: write a new folder
under another name, rename it, start the next journal, delete the old pair; being killed between any two of
these steps leaves either the old pair or the new one whole.
"""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor
from ic_harness.replica.execution import StateImage
from ic_harness.replica.machine import Machine
from ic_harness.replica.scheduler import Changes
from ic_harness.replica.store.blobs import FileBlobs
from ic_harness.replica.store.codec import from_plain, to_plain
from ic_harness.replica.store.journal import Frame, Journal
from ic_harness.replica.store.lock import FolderLock
from ic_harness.replica.store.memories import REGIONS, Piece, StoredMemory, memory_file
from ic_harness.replica.world import Canister, Request, RequestRecord, World
from ic_harness.units import MIB

VERSION: Final = 1
"""Of everything in the folder; a folder of another version is refused."""

CHECKPOINT_BYTES: Final = 512 * MIB
"""A journal longer than this (and than the memories twice) is turned into a checkpoint."""

CLOSING_BYTES: Final = 32 * MIB
"""At the end of a process a journal longer than this is turned into a checkpoint, for a fast next start."""

_SCALARS: Final = ("time_ns", "round", "next_index", "random_counter", "updates", "consumed_cycles")


class Store:
    """An open state folder. `world` is what was found in it, None when it is new."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = FolderLock(folder)
        try:
            self._open(folder)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, folder: Path) -> None:
        self.blobs = FileBlobs(folder / "blobs")
        self._memories: dict[bytes, StoredMemory] = {}
        self._changed: set[bytes] = set()  # by this process: their memory is live
        self._memory_bytes = 0
        self._pinned: weakref.WeakSet[Any] = weakref.WeakSet()
        self._number = self._newest()
        self.world = self._read_checkpoint()
        self._journal = Journal(folder / f"journal-{self._number}")
        for frame in self._journal.frames():
            self._replay(frame)
        self._sweep()

    # --- opening --------------------------------------------------------------------------------------------

    def seed(self, wanted: bytes | None, fresh: bytes) -> bytes:
        """The seed of the folder; a new folder takes the wanted or the fresh one. Raises `StateError`."""
        path = self.folder / "seed"
        if path.exists():
            kept = path.read_bytes()
            if wanted is not None and wanted != kept:
                raise StateError(f"{self.folder} belongs to a network with another seed")
            return kept
        seed = fresh if wanted is None else wanted
        # The keys of the network follow from it: nobody else on the machine needs to read it.
        _write_whole(path, seed, mode=0o600)
        return seed

    def _newest(self) -> int:
        numbers = [
            int(path.name.removeprefix("checkpoint-"))
            for path in self.folder.glob("checkpoint-*")
            if path.name.removeprefix("checkpoint-").isdigit()
        ]
        return max(numbers, default=0)

    def _checkpoint_folder(self, number: int) -> Path:
        return self.folder / f"checkpoint-{number}"

    def _read_checkpoint(self) -> World | None:
        folder = self._checkpoint_folder(self._number)
        if not folder.exists():
            return None
        try:
            record = cbor.decode((folder / "world").read_bytes())
        except (OSError, CborError) as problem:
            raise StateError(f"the checkpoint {folder} is damaged: {problem}") from problem
        _check_version(record, folder)
        for canister_id, heap, stable, globals_ in record["memories"]:
            self._memories[canister_id] = StoredMemory(heap, stable, tuple(globals_), folder)
        world: World = from_plain(record["world"], World)
        return world

    def _replay(self, frame: Frame) -> None:
        record = frame.record
        _check_version(record, self._journal.path)
        if self.world is None:
            self.world = World(time_ns=0)
        world = self.world
        for name, value in zip(_SCALARS, record["scalars"], strict=True):
            setattr(world, name, value)
        world.management_queue.clear()
        world.management_queue.extend(from_plain(item, Request) for item in record["management"])
        _replay_map(world.canisters, record["canisters"], Canister)
        _replay_map(world.requests, record["requests"], RequestRecord)
        at = frame.content_at
        for entry in record["memories"]:
            at = self._replay_memory(entry, at)

    def _replay_memory(self, entry: list[Any], at: int) -> int:
        canister_id, heap, stable, globals_, whole, pieces = entry
        if globals_ is None:
            self._memories.pop(canister_id, None)
            return at
        known = self._memories.get(canister_id)
        memory = StoredMemory(heap, stable, tuple(globals_))
        if known is not None and not whole:
            memory.base, memory.pieces = known.base, known.pieces
        for region, offset, length in pieces:
            memory.pieces.append(Piece(REGIONS[region], offset, length, at))
            at += length
        self._memories[canister_id] = memory
        return at

    def _sweep(self) -> None:
        """Remove what an interrupted checkpoint left."""
        for path in self.folder.iterdir():
            name, _, number = path.name.partition("-")
            if name in {"checkpoint", "journal"} and number != str(self._number):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def load_memory(self, canister_id: bytes) -> StateImage | None:
        """The memory of a canister as this process found it, None when there is none."""
        memory = self._memories.get(canister_id)
        return None if memory is None else memory.load(canister_id, self._journal)

    # --- rounds ---------------------------------------------------------------------------------------------

    def append(self, world: World, changes: Changes, machine: Machine) -> None:
        """Keep what a round changed."""
        memories, content = self._memory_entries(world, changes, machine)
        record = {
            "version": VERSION,
            "scalars": [getattr(world, name) for name in _SCALARS],
            "management": [to_plain(request) for request in world.management_queue],
            "canisters": _plain_map(changes.canisters, world.canisters),
            "requests": [[key, to_plain(value)] for key, value in changes.requests.items()],
            "memories": memories,
        }
        self._journal.append(record, content)
        if self._journal.size > max(CHECKPOINT_BYTES, 2 * self._memory_bytes):
            self.checkpoint(world, machine)

    def _memory_entries(
        self, world: World, changes: Changes, machine: Machine
    ) -> tuple[list[list[Any]], list[bytes]]:
        entries: list[list[Any]] = []
        content: list[bytes] = []
        for canister_id in sorted(changes.replaced):
            self._changed.add(canister_id)
            canister = world.canisters.get(canister_id)
            if canister is None or not canister.installed:
                entries.append([canister_id, 0, 0, None, True, []])
                continue
            image = machine.instance(canister).export_state()
            parts = [(0, 0, image.heap), (1, 0, image.stable)]
            entries.append(
                _entry(canister_id, (len(image.heap), len(image.stable)), image.globals, True, parts)
            )
            content += [part for _, _, part in parts if part]
        for canister_id, pages in changes.pages:
            if canister_id in changes.replaced:
                continue
            self._changed.add(canister_id)
            parts = [(REGIONS.index(region), offset, part) for region, offset, part in pages.parts]
            sizes = (pages.heap_size, pages.stable_size)
            entries.append(_entry(canister_id, sizes, pages.globals, False, parts))
            content += [part for _, _, part in parts if part]
        return entries, content

    def pin(self, holder: Any) -> None:
        """Keep the blobs that `holder.world` names, for as long as `holder` lives."""
        self._pinned.add(holder)

    # --- checkpoints ----------------------------------------------------------------------------------------

    def checkpoint(self, world: World, machine: Machine) -> None:
        """Write the whole state and begin a new journal."""
        number = self._number + 1
        folder = self._checkpoint_folder(number)
        draft = self.folder / f"checkpoint-{number}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        memories = [
            self._write_memory(draft, canister, machine)
            for canister in world.canisters.values()
            if canister.installed
        ]
        record = {"version": VERSION, "world": to_plain(world), "memories": memories}
        _write_whole(draft / "world", cbor.encode(record))
        draft.rename(folder)
        _sync_folder(self.folder)
        self._begin_anew(number, memories)
        self.blobs.keep_only(
            set[bytes]().union(_blobs_of(world), *(_blobs_of(holder.world) for holder in self._pinned))
        )

    def _write_memory(self, draft: Path, canister: Canister, machine: Machine) -> list[Any]:
        stored = self._memories.get(canister.id)
        if canister.id not in self._changed and stored is not None and stored.base and not stored.pieces:
            for region in REGIONS:
                os.link(
                    memory_file(stored.base, canister.id, region), memory_file(draft, canister.id, region)
                )
            return [canister.id, stored.heap_size, stored.stable_size, list(stored.globals)]
        with machine.lock(canister.id):
            image = machine.instance(canister).export_state()
        for region, content in zip(REGIONS, (image.heap, image.stable), strict=True):
            _write_whole(memory_file(draft, canister.id, region), content)
        return [canister.id, len(image.heap), len(image.stable), list(image.globals)]

    def _begin_anew(self, number: int, memories: list[list[Any]]) -> None:
        folder = self._checkpoint_folder(number)
        self._journal.close()
        self._journal = Journal(self.folder / f"journal-{number}")
        self._number = number
        self._changed.clear()
        self._memories = {
            canister_id: StoredMemory(heap, stable, tuple(globals_), folder)
            for canister_id, heap, stable, globals_ in memories
        }
        self._memory_bytes = sum(heap + stable for _, heap, stable, _ in memories)
        self._sweep()

    def close(self, world: World | None, machine: Machine) -> None:
        """Close the folder; `world` None means that the world is not whole and must not be written."""
        if world is not None and self._journal.size > CLOSING_BYTES:
            self.checkpoint(world, machine)
        self._journal.close()
        self._lock.release()

    def release(self) -> None:
        """Give the folder back without writing anything."""
        self._journal.close()
        self._lock.release()


def _check_version(record: Any, path: Path) -> None:
    found = record.get("version") if isinstance(record, dict) else None
    if found != VERSION:
        raise StateError(f"{path} has version {found} of the state format, this program knows {VERSION}")


def _plain_map(keys: Iterable[bytes], values: dict[bytes, Any]) -> list[list[Any]]:
    return [[key, to_plain(values.get(key))] for key in sorted(keys)]


def _replay_map(target: dict[bytes, Any], pairs: list[list[Any]], kind: type) -> None:
    for key, plain in pairs:
        if plain is None:
            target.pop(key, None)
        else:
            target[key] = from_plain(plain, kind)


def _entry(
    canister_id: bytes,
    sizes: tuple[int, int],
    globals_: tuple[int, ...],
    whole: bool,  # noqa: FBT001 — mirrors the stored layout
    parts: Iterable[tuple[int, int, bytes]],
) -> list[Any]:
    pieces = [[region, offset, len(part)] for region, offset, part in parts if part]
    return [canister_id, *sizes, list(globals_), whole, pieces]


def _blobs_of(world: World) -> set[bytes]:
    wanted: set[bytes] = set()
    for canister in world.canisters.values():
        wanted |= {canister.module_hash, *canister.chunks}
        for snapshot in canister.snapshots.values():
            chunks = {digest for digest, _ in snapshot.chunks}
            wanted |= {snapshot.module_hash, snapshot.heap, snapshot.stable, *chunks}
    return wanted


def _write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file so that it has either no or all of its content under its name; `mode` within the umask."""
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
