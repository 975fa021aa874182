"""The published generations of the backend's interface, as a table, and what is known of one canister.

    Z   memory data at begin and create           no longer met, refused by name
    A   begin takes metadata, finish gives a memory's id; chunks of 65,536 bytes
    B   as A, but finish tells of the blob too; a rolling hash; chunks of 1,800,000 bytes from here on
    C   begin without metadata, finish makes a blob only; bulk and asset endpoints; lists have pages
    H   as C, with access entries, assets that are added later, HTTP tokens; asset types renamed

The reference backend is of generation H and has methods beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, Literal

from ic_harness.candid import Service, parse

_INTERFACES: Final = Path(__file__).with_name("interfaces")
PROMISE: Final = "uploads_status"
"""A backend with this method promises what the reference does: chunks in any order, twice, and finish again."""


class Generation(StrEnum):
    """The tag of a generation; later letters are newer."""

    Z = "Z"
    A = "A"
    B = "B"
    C = "C"
    H = "H"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a generation behaves where its signatures do not tell.

    `chunk_size` in bytes. `hash_by_arrival`: the hash absorbs chunks as they come, whoever sends them, and cannot be
    asked for twice. `blob_of_session`: the number of a blob follows from the number of its session.
    `metadata_at_begin`: begin takes the metadata of the memory that finish then makes.
    """

    chunk_size: int
    hash_by_arrival: bool
    blob_of_session: bool
    metadata_at_begin: bool


GENERATIONS: Final[Mapping[Generation, Traits]] = {
    Generation.A: Traits(
        chunk_size=65_536, hash_by_arrival=False, blob_of_session=False, metadata_at_begin=True
    ),
    Generation.B: Traits(
        chunk_size=1_800_000, hash_by_arrival=True, blob_of_session=True, metadata_at_begin=True
    ),
    Generation.C: Traits(
        chunk_size=1_800_000, hash_by_arrival=True, blob_of_session=True, metadata_at_begin=False
    ),
    Generation.H: Traits(
        chunk_size=1_800_000, hash_by_arrival=True, blob_of_session=True, metadata_at_begin=False
    ),
}
"""The generations that are spoken, oldest first."""

Source = Literal["candid:service", "__get_candid_interface_tmp_hack", "signs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of one backend: its generation, the methods it has, and from where that is known.

    `source` is the certified metadata section, the query that older canisters tell their interface by, or signs.
    """

    generation: Generation
    methods: frozenset[str]
    source: Source

    @property
    def traits(self) -> Traits:
        """How its generation behaves."""
        return GENERATIONS[self.generation]

    @property
    def reliable(self) -> bool:
        """Whether chunks may go in any order and twice, and finish may be asked again: the reference's promise."""
        return PROMISE in self.methods

    def has(self, method: str) -> bool:
        """Whether the backend has a method."""
        return method in self.methods

    def __str__(self) -> str:
        extended = " (extended, as the reference backend)" if self.reliable else ""
        return f"generation {self.generation}{extended}"


@cache
def interface(generation: Generation) -> Service:
    """The Candid interface of a generation as it is deployed; not of Z, which is not spoken."""
    return parse(interface_did(generation))


def interface_did(generation: Generation) -> str:
    """The text of that interface."""
    return (_INTERFACES / f"{generation.lower()}.did").read_text(encoding="utf-8")


def able(method: str) -> tuple[Generation, ...]:
    """The generations that have a method, oldest first."""
    return tuple(generation for generation in GENERATIONS if method in interface(generation).methods)
