"""Where canisters' memories are on disk: a base from the checkpoint, and changes in the journal."""

from __future__ import annotations

from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.memory_image import Assembly, StateImage
from ic_harness.replica.state.replicated_state import Canister
from ic_harness.replica.store import files, zero_runs
from ic_harness.replica.store.files import DamagedError

if TYPE_CHECKING:
    from ic_harness.replica.store.journal import Journal

REGIONS: Final = ("heap", "stable")
_BLOCK: Final = 1 << 20


class CanisterMemories(Protocol):
    """Where the live memories of canisters are."""

    def export_state(self, canister: Canister) -> StateImage:
        """Return the memory of an installed canister without its zeros."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Content of one region, at `at` in the journal."""

    region: str
    offset: int
    length: int
    at: int


@dataclass(frozen=True, slots=True)
class Base:
    """The memory of a canister as a checkpoint holds it: sizes in bytes and CRC-32 of heap and stable memory.

    The checksums are None in a checkpoint of version 1.
    """

    folder: Path
    canister_id: bytes
    sizes: tuple[int, int]
    checksums: tuple[int, int] | None

    def path(self, region: str) -> Path:
        """The file of a region."""
        return memory_file(self.folder, self.canister_id, region)

    def check(self) -> None:
        """Read both files. Raises `DamagedError` when one is missing or differs from what was written."""
        for index, region in enumerate(REGIONS):
            self._check_size(region, self.sizes[index], files.length(self.path(region)))
            checksum = zero_runs.crc32(files.pieces(self.path(region)), self.sizes[index])
            if self.checksums is not None and checksum != self.checksums[index]:
                wanted = f"{self.checksums[index]:08x}"
                raise DamagedError(self.path(region), f"CRC-32 {wanted} expected, it has {checksum:08x}")

    def read_into(self, region: str, content: Assembly, most: int) -> None:
        """Read the first `most` bytes of a region to the beginning of `content`, which is as long or longer."""
        path, found = self.path(region), files.length(self.path(region))
        self._check_size(region, self.sizes[REGIONS.index(region)], found)
        if min(found, most) > content.size:
            raise DamagedError(path, f"it is longer than the memory, {content.size} bytes")
        for offset, piece in files.pieces(path):
            if offset >= most:
                break
            content.put(offset, piece[: most - offset])

    def _check_size(self, region: str, wanted: int, found: int) -> None:
        if found != wanted:
            raise DamagedError(self.path(region), f"{wanted} bytes expected, it has {found}")


@dataclass(slots=True)
class StoredMemory:
    """The memory of one canister on disk. `base` is None where the journal holds all of it.

    `kept` is how many bytes of the base, by region, are still content: a memory that was put back to a moment when it
    was smaller, and grew again, has zeros behind them. None means all.
    """

    heap_size: int
    stable_size: int
    globals: tuple[int, ...]
    base: Base | None = None
    pieces: list[Piece] = field(default_factory=list)
    kept: tuple[int, int] | None = None

    @property
    def is_base(self) -> bool:
        """Whether the base is all of it."""
        return (
            self.base is not None
            and not self.pieces
            and self.base.sizes == (self.heap_size, self.stable_size)
            and self.kept in {None, self.base.sizes}
        )

    def resized(self, heap_size: int, stable_size: int, globals_: tuple[int, ...]) -> StoredMemory:
        """Return this memory with other sizes and globals; content behind a smaller size is gone."""
        sizes = {"heap": heap_size, "stable": stable_size}
        pieces = self.pieces
        if heap_size < self.heap_size or stable_size < self.stable_size:
            cut = [
                replace(piece, length=min(piece.length, sizes[piece.region] - piece.offset))
                for piece in self.pieces
            ]
            pieces = [piece for piece in cut if piece.length > 0]
        kept = self.kept or (None if self.base is None else self.base.sizes)
        if kept is not None:
            kept = min(kept[0], heap_size), min(kept[1], stable_size)
        return StoredMemory(heap_size, stable_size, globals_, self.base, pieces, kept)

    def load(self, journal: Journal) -> StateImage:
        """Put the memory together. Raises `DamagedError`."""
        regions = {"heap": Assembly(self.heap_size), "stable": Assembly(self.stable_size)}
        for region, content in regions.items():
            if self.base is not None:
                kept = self.kept or self.base.sizes
                self.base.read_into(region, content, kept[REGIONS.index(region)])
        for piece in self.pieces:
            content, end = regions[piece.region], piece.offset + piece.length
            if end > content.size:
                raise DamagedError(journal.path, f"a change of a memory ends behind it, at byte {piece.at}")
            for done in range(0, piece.length, _BLOCK):
                content.put(
                    piece.offset + done, journal.read(piece.at + done, min(_BLOCK, piece.length - done))
                )
        return StateImage(heap=regions["heap"].take(), stable=regions["stable"].take(), globals=self.globals)


def memory_file(folder: Path, canister_id: bytes, region: str) -> Path:
    """The file of one region in a checkpoint."""
    return folder / f"{canister_id.hex()}-{region}"
