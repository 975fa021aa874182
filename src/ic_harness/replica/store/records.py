"""What a frame of the journal says: a round's changes as plain values, and how they are applied again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ic_harness.errors import StateError
from ic_harness.replica.machine import Machine
from ic_harness.replica.scheduler import Changes
from ic_harness.replica.store.codec import from_plain, to_plain
from ic_harness.replica.store.memories import REGIONS, Piece, StoredMemory
from ic_harness.replica.world import Canister, Request, RequestRecord, World

_SCALARS: Final = ("time_ns", "round", "next_index", "random_counter", "updates", "consumed_cycles")
_MAX_TIME: Final = (1 << 64) - 1


@dataclass(slots=True)
class Contents:
    """What a state folder holds: the world (None before the first round) and where the memories are."""

    world: World | None = None
    memories: dict[bytes, StoredMemory] = field(default_factory=dict)

    def apply(self, record: Any, content_at: int) -> None:
        """Apply the record of a frame whose content is at `content_at`. Raises `StateError`."""
        try:
            self._apply(record, content_at)
        except (LookupError, TypeError, ValueError) as problem:
            raise StateError(f"no record of a round: {problem!r}") from problem

    def _apply(self, record: Any, content_at: int) -> None:
        if self.world is None:
            self.world = World(time_ns=0)
        world = self.world
        for name, value in zip(_SCALARS, record["scalars"], strict=True):
            setattr(world, name, from_plain(value, int))
        world.management_queue.clear()
        world.management_queue.extend(from_plain(item, Request) for item in record["management"])
        _apply_map(world.canisters, record["canisters"], Canister)
        _apply_map(world.requests, record["requests"], RequestRecord)
        for entry in record["memories"]:
            content_at = self._apply_memory(entry, content_at)

    def _apply_memory(self, entry: list[Any], at: int) -> int:
        canister_id, heap, stable, globals_, whole, pieces = entry
        if globals_ is None:
            self.memories.pop(canister_id, None)
            return at
        known = self.memories.get(canister_id)
        memory = StoredMemory(heap, stable, tuple(globals_))
        if known is not None and not whole:
            memory.base, memory.pieces = known.base, known.pieces
        for region, offset, length in pieces:
            memory.pieces.append(Piece(REGIONS[region], offset, length, at))
            at += length
        self.memories[canister_id] = memory
        return at


def check_world(world: World) -> None:
    """Raise `StateError` for counters that the replica could not go on with."""
    if not 0 <= world.time_ns <= _MAX_TIME:
        raise StateError(f"a round cannot be kept: its time, {world.time_ns:.6g} ns, is not within 64 bits")


def record_of(world: World, changes: Changes, memories: list[list[Any]]) -> dict[str, Any]:
    """The record of a round. Raises `StateError` for a value that could not be read again."""
    check_world(world)
    return {
        "scalars": [getattr(world, name) for name in _SCALARS],
        "management": [to_plain(request) for request in world.management_queue],
        "canisters": _plain_map((key, world.canisters.get(key)) for key in sorted(changes.canisters)),
        "requests": _plain_map(changes.requests.items()),
        "memories": memories,
    }


def memory_entries(
    world: World, changes: Changes, machine: Machine
) -> tuple[list[list[Any]], list[bytes], set[bytes]]:
    """Entries and content of the memories that a round changed, and whose they are."""
    entries: list[list[Any]] = []
    content: list[bytes] = []
    changed: set[bytes] = set(changes.replaced)
    for canister_id in sorted(changes.replaced):
        canister = world.canisters.get(canister_id)
        if canister is None or not canister.installed:
            entries.append([canister_id, 0, 0, None, True, []])
            continue
        image = machine.instance(canister).export_state()
        parts = [(0, 0, image.heap), (1, 0, image.stable)]
        sizes = (len(image.heap), len(image.stable))
        entries.append([canister_id, *sizes, list(image.globals), True, _pieces(parts)])
        content += [part for _, _, part in parts if part]
    for canister_id, pages in changes.pages:
        if canister_id in changes.replaced:
            continue
        changed.add(canister_id)
        parts = [(REGIONS.index(region), offset, part) for region, offset, part in pages.parts]
        sizes = (pages.heap_size, pages.stable_size)
        entries.append([canister_id, *sizes, list(pages.globals), False, _pieces(parts)])
        content += [part for _, _, part in parts if part]
    return entries, content, changed


def blobs_of(world: World) -> set[bytes]:
    """The digests of all blobs that a world refers to."""
    wanted: set[bytes] = set()
    for canister in world.canisters.values():
        wanted |= {canister.module_hash, *canister.chunks}
        for snapshot in canister.snapshots.values():
            chunks = {digest for digest, _ in snapshot.chunks}
            wanted |= {snapshot.module_hash, snapshot.heap, snapshot.stable, *chunks}
    return wanted - {b""}


def _pieces(parts: Iterable[tuple[int, int, bytes]]) -> list[list[int]]:
    return [[region, offset, len(part)] for region, offset, part in parts if part]


def _plain_map(items: Iterable[tuple[bytes, Any]]) -> list[list[Any]]:
    return [[key, to_plain(value)] for key, value in items]


def _apply_map(target: dict[bytes, Any], pairs: list[list[Any]], kind: type) -> None:
    for key, plain in pairs:
        if plain is None:
            target.pop(key, None)
        else:
            target[key] = from_plain(plain, kind)
