"""What is known of one backend canister."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .generations import GENERATIONS, Generation, Traits

RESUMABLE_METHOD: Final = "uploads_status"
"""A backend with this method supports resumable uploads: chunks in any order and repeated, and finish repeated."""

Source: TypeAlias = Literal["candid:service", "__get_candid_interface_tmp_hack", "probe"]
"""Where the interface was found: certified metadata, the query of older canisters, or by probing with queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The generation of a backend, the methods that it has, and the source of that knowledge."""

    generation: Generation
    methods: frozenset[str]
    source: Source

    @property
    def traits(self) -> Traits:
        """How its generation behaves."""
        return GENERATIONS[self.generation].traits

    @property
    def supports_resumable_uploads(self) -> bool:
        """Whether chunks may be sent in any order and repeatedly, and finish repeated: as on the reference backend."""
        return RESUMABLE_METHOD in self.methods

    def has(self, method: str) -> bool:
        """Whether the backend has a method."""
        return method in self.methods

    def __str__(self) -> str:
        extended = " (extended, as the reference backend)" if self.supports_resumable_uploads else ""
        return f"generation {self.generation}{extended}"
