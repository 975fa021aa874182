"""Where canisters' memories are on disk: a base from the checkpoint, and changes in the journal."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.replicated_state import Canister
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError

if TYPE_CHECKING:
    from ic_harness.replica.store.journal import Journal

REGIONS: Final = ("heap", "stable")


class CanisterMemories(Protocol):
    """Where the live memories of canisters are."""

    def export_state(self, canister: Canister) -> StateImage:
        """Return the memory of an installed canister as bytes."""


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
            checksum = 0
            self._check_size(region, self.sizes[index], files.length(self.path(region)))
            for block in files.blocks(self.path(region)):
                checksum = zlib.crc32(block, checksum)
            if self.checksums is not None and checksum != self.checksums[index]:
                wanted = f"{self.checksums[index]:08x}"
                raise DamagedError(self.path(region), f"CRC-32 {wanted} expected, it has {checksum:08x}")

    def read_into(self, region: str, content: bytearray) -> None:
        """Read a region to the beginning of `content`, which is as long or longer."""
        length = 0
        for block in files.blocks(self.path(region)):
            if length + len(block) > len(content):
                raise DamagedError(self.path(region), f"it is longer than the memory, {len(content)} bytes")
            content[length : length + len(block)] = block
            length += len(block)
        self._check_size(region, self.sizes[REGIONS.index(region)], length)

    def _check_size(self, region: str, wanted: int, found: int) -> None:
        if found != wanted:
            raise DamagedError(self.path(region), f"{wanted} bytes expected, it has {found}")


@dataclass(slots=True)
class StoredMemory:
    """The memory of one canister on disk. `base` is None where the journal holds all of it."""

    heap_size: int
    stable_size: int
    globals: tuple[int, ...]
    base: Base | None = None
    pieces: list[Piece] = field(default_factory=list)

    def load(self, journal: Journal) -> StateImage:
        """Put the memory together. Raises `DamagedError`."""
        regions = {"heap": bytearray(self.heap_size), "stable": bytearray(self.stable_size)}
        for region, content in regions.items():
            if self.base is not None:
                self.base.read_into(region, content)
        for piece in self.pieces:
            content, end = regions[piece.region], piece.offset + piece.length
            if end > len(content):
                raise DamagedError(journal.path, f"a change of a memory ends behind it, at byte {piece.at}")
            content[piece.offset : end] = journal.read(piece.at, piece.length)
        return StateImage(heap=bytes(regions["heap"]), stable=bytes(regions["stable"]), globals=self.globals)


def memory_file(folder: Path, canister_id: bytes, region: str) -> Path:
    """The file of one region in a checkpoint."""
    return folder / f"{canister_id.hex()}-{region}"
