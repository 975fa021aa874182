"""Where canisters' memories stand on disk: a base from the checkpoint, and changes in the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ic_harness.errors import StateError
from ic_harness.replica.execution import StateImage

if TYPE_CHECKING:
    from ic_harness.replica.store.journal import Journal

REGIONS = ("heap", "stable")


@dataclass(frozen=True, slots=True)
class Piece:
    """Content of one region, at `at` in the journal."""

    region: str
    offset: int
    length: int
    at: int


@dataclass(slots=True)
class StoredMemory:
    """The memory of one canister on disk. `base` is the checkpoint folder with its files, if it has any."""

    heap_size: int
    stable_size: int
    globals: tuple[int, ...]
    base: Path | None = None
    pieces: list[Piece] = field(default_factory=list)

    def load(self, canister_id: bytes, journal: Journal) -> StateImage:
        """Put the memory together. Raises `StateError` when a file is missing."""
        regions = {
            "heap": bytearray(self.heap_size),
            "stable": bytearray(self.stable_size),
        }
        if self.base is not None:
            for region, content in regions.items():
                _read_into(memory_file(self.base, canister_id, region), content)
        for piece in self.pieces:
            end = piece.offset + piece.length
            regions[piece.region][piece.offset : end] = journal.read(piece.at, piece.length)
        return StateImage(heap=bytes(regions["heap"]), stable=bytes(regions["stable"]), globals=self.globals)


def _read_into(path: Path, content: bytearray) -> None:
    try:
        with path.open("rb") as file:
            file.readinto(memoryview(content))
    except FileNotFoundError:
        raise StateError(f"the memory file {path} is missing") from None


def memory_file(folder: Path, canister_id: bytes, region: str) -> Path:
    """The file of one region in a checkpoint."""
    return folder / f"{canister_id.hex()}-{region}"
