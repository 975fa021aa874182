"""What a frame of the journal says: a round's changes as plain values, and how they are applied again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any, Final, NamedTuple

from ic_harness.errors import StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.memory_image import SparseBytes
from ic_harness.replica.state.replicated_state import (
    Canister,
    Outcall,
    ReplicatedState,
    Request,
    RequestRecord,
    Stream,
)
from ic_harness.replica.store.canister_writer import CanisterWriter
from ic_harness.replica.store.codec import from_plain, to_plain
from ic_harness.replica.store.memories import REGIONS, CanisterMemories, Piece, StoredMemory

_SCALARS: Final = ("time_ns", "round", "next_index", "random_counter", "updates", "consumed_cycles")
_MAX_TIME: Final = (1 << 64) - 1


@dataclass(slots=True)
class Contents:
    """What a state folder holds: the state (None before the first round) and where the memories are."""

    state: ReplicatedState | None = None
    memories: dict[bytes, StoredMemory] = field(default_factory=dict)

    def apply(self, record: Any, content_at: int) -> None:
        """Apply the record of a frame whose content is at `content_at`. Raises `StateError`."""
        try:
            self._apply(record, content_at)
        except (LookupError, TypeError, ValueError) as problem:
            raise StateError(f"no record of a round: {problem!r}") from problem

    def _apply(self, record: Any, content_at: int) -> None:
        # Everything is read before anything is changed, so that a frame is applied as a whole or not at all.
        scalars = [from_plain(value, int) for value in record["scalars"]]
        names = dict(zip(_SCALARS, scalars, strict=True))
        queue = record.get("management")
        management = None if queue is None else [from_plain(item, Request) for item in queue]
        canisters = _from_map(record["canisters"], Canister)
        requests = _from_map(record["requests"], RequestRecord)
        memories = [_memory_entry(entry) for entry in record["memories"]]
        outcalls = _from_map(record.get("outcalls", []), Outcall)
        streams = _from_map(record.get("streams", []), Stream)
        for entry in memories:
            content_at = self._apply_memory(entry, content_at)
        self.state = self.state or ReplicatedState(time_ns=0)
        for name, value in names.items():
            setattr(self.state, name, value)
        if management is not None:
            self.state.management_queue.clear()
            self.state.management_queue.extend(management)
        _apply_map(self.state.canisters, canisters)
        _apply_map(self.state.requests, requests)
        _apply_map(self.state.outcalls, outcalls)
        _apply_map(self.state.streams, streams)
        self.state.next_outcall = max([self.state.next_outcall, *(number for number, _ in outcalls)])

    def _apply_memory(self, entry: _MemoryEntry, at: int) -> int:
        if entry.globals is None:
            self.memories.pop(entry.canister_id, None)
            return at
        known = None if entry.whole else self.memories.get(entry.canister_id)
        if known is None:
            memory = StoredMemory(entry.heap_size, entry.stable_size, entry.globals)
        else:
            memory = known.resized(entry.heap_size, entry.stable_size, entry.globals)
        for region, offset, length in entry.pieces:
            memory.pieces.append(Piece(region, offset, length, at))
            at += length
        self.memories[entry.canister_id] = memory
        return at


class _MemoryEntry(NamedTuple):
    """What a record says of one memory; `globals` None where the canister has none any more."""

    canister_id: bytes
    heap_size: int
    stable_size: int
    globals: tuple[int, ...] | None
    whole: bool
    pieces: list[tuple[str, int, int]]


def _memory_entry(entry: list[Any]) -> _MemoryEntry:
    canister_id, heap, stable, globals_, whole, pieces = entry
    found = [(REGIONS[region], offset, length) for region, offset, length in pieces]
    return _MemoryEntry(
        canister_id, heap, stable, None if globals_ is None else tuple(globals_), whole, found
    )


def check_world(state: ReplicatedState) -> None:
    """Raise `StateError` for counters that the replica could not go on with."""
    if not 0 <= state.time_ns <= _MAX_TIME:
        raise StateError(
            f"a round cannot be kept: its time has {state.time_ns.bit_length()} bits, 0 to 2^64-1 ns are possible"
        )


def record_of(
    state: ReplicatedState, changes: StateDelta, memories: list[list[Any]], canisters: CanisterWriter
) -> dict[str, Any]:
    """The record of a round. Raises `StateError` for a value that could not be read again."""
    check_world(state)
    record = {
        "scalars": [getattr(state, name) for name in _SCALARS],
        "canisters": [
            [key, canisters.write(key, state.canisters.get(key))] for key in sorted(changes.canisters)
        ],
        "requests": _plain_map(changes.requests.items()),
        "memories": memories,
        "outcalls": _plain_map(changes.outcalls.items()),
    }
    if canisters.is_new(state.management_queue):
        record["management"] = [to_plain(request) for request in state.management_queue]
    if changes.streams:  # only a network of several subnets has them
        record["streams"] = _plain_map(changes.streams.items())
    return record


def memory_entries(
    state: ReplicatedState, changes: StateDelta, memories: CanisterMemories
) -> tuple[list[list[Any]], list[bytes], set[bytes]]:
    """Entries and content of the memories that a round changed, and whose they are."""
    entries: list[list[Any]] = []
    content: list[bytes] = []
    changed: set[bytes] = set(changes.replaced)
    for canister_id in sorted(changes.replaced):
        canister = state.canisters.get(canister_id)
        if canister is None or not canister.installed:
            entries.append([canister_id, 0, 0, None, True, []])
            continue
        image = memories.export_state(canister)
        regions = (image.heap, image.stable)
        parts = [(number, *piece) for number, region in enumerate(regions) for piece in _joined(region)]
        sizes = (image.heap.size, image.stable.size)
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


def blobs_of(state: ReplicatedState) -> set[bytes]:
    """The digests of all blobs that a state refers to."""
    wanted: set[bytes] = set()
    for canister in state.canisters.values():
        wanted |= {canister.module_hash, *canister.chunks}
        for snapshot in canister.snapshots.values():
            wanted |= snapshot.blobs
    return wanted - {b""}


def _joined(region: SparseBytes) -> Iterator[tuple[int, bytes]]:
    """The pieces of a region, those that follow each other without a gap as one: a journal keeps each of them."""
    parts: list[bytes] = []
    begin = end = 0
    for offset, piece in region.pieces:
        if offset != end and parts:
            yield begin, b"".join(parts)
            parts = []
        if not parts:
            begin = offset
        parts.append(piece)
        end = offset + len(piece)
    if parts:
        yield begin, b"".join(parts)


def _pieces(parts: Iterable[tuple[int, int, bytes]]) -> list[list[int]]:
    return [[region, offset, len(part)] for region, offset, part in parts if part]


def _plain_map(items: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
    return [[key, to_plain(value)] for key, value in items]


def _from_map(pairs: list[list[Any]], kind: type) -> list[tuple[Any, Any]]:
    return [(key, None if plain is None else from_plain(plain, kind)) for key, plain in pairs]


def _apply_map(target: dict[Any, Any], items: list[tuple[Any, Any]]) -> None:
    for key, value in items:
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
