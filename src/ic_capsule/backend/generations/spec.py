"""What is known of one published generation of the backend's interface: the types of its specification.

Each generation has a module of its own in this folder; `GENERATIONS` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from ic_harness.agent import Flow
from ic_harness.candid import TEXT, Service, Type, Variant, resolve
from ic_harness.errors import NotInGenerationError

Value: TypeAlias = Any
"""A Candid value as the codec represents it: dicts, lists, tags."""


class Generation(StrEnum):
    """The tag of a generation; later letters are newer."""

    A = "A"
    B = "B"
    C = "C"
    H = "H"


class OlderCalls(Protocol):
    """What an override may use: calls in the types of the backend's own generation."""

    def ask(self, method: str, values: Sequence[Value]) -> Flow[Value]:
        """Call `method` as the generation defines it; values and reply are the codec's."""

    def has(self, method: str) -> bool:
        """Whether the backend has `method`."""

    def refusal(self, method: str, feature: str) -> NotInGenerationError:
        """The error for a feature of `method` that this generation lacks."""


Override: TypeAlias = Callable[..., Flow[Value]]
"""Implements a current method on an older generation: takes an `OlderCalls` and the current arguments.

Returns what the current method would reply.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What identifies a generation in the text of an interface.

    `begin_arguments` is the number of arguments of `uploads_begin`, `methods` must be present, and
    `finish_returns_text` says whether the `Ok` of `uploads_finish` is a text (None: either).
    """

    begin_arguments: int
    methods: frozenset[str] = frozenset()
    finish_returns_text: bool | None = None

    def match(self, service: Service) -> bool:
        """Whether an interface that has `uploads_begin` and `uploads_finish` is of this generation."""
        if len(service.methods["uploads_begin"].arg_types) != self.begin_arguments:
            return False
        if not self.methods <= set(service.methods):
            return False
        if self.finish_returns_text is None:
            return True
        return _ok_is_text(service.methods["uploads_finish"].return_types) is self.finish_returns_text


def _ok_is_text(results: Sequence[Type]) -> bool:
    result = resolve(results[0]) if results else None
    ok = [case.type for case in result.fields if case.key == "Ok"] if isinstance(result, Variant) else []
    return bool(ok) and resolve(ok[0]) == TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeQuery:
    """A query that only this generation and newer ones have; its arguments name nothing that exists."""

    method: str
    values: Sequence[Value]
    types: tuple[str, ...]
    """The arguments' types as Candid text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a generation behaves where its signatures do not say so.

    `chunk_size` in bytes. `chunks_in_any_order`: chunks are hashed by their index at finish, so that they may arrive in
    any order. `blob_id_from_session`: the id of a blob can be computed from its session's (`blob_of_session`).
    `metadata_at_begin`: begin takes the metadata of the memory that finish then creates.
    """

    chunk_size: int
    chunks_in_any_order: bool
    blob_id_from_session: bool
    metadata_at_begin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationSpec:
    """A generation: how it is detected, how it behaves, and which calls differ from the current interface.

    A canister without a published interface is probed by `probe_chunk_size` and `probe_query`; a generation with
    neither is what remains. `takes_current_types`: calls are sent in the current types, without conversion.
    """

    generation: Generation
    marks: Marks
    traits: Traits
    overrides: Mapping[str, Override] = field(default_factory=dict)
    probe_chunk_size: int | None = None
    probe_query: ProbeQuery | None = None
    takes_current_types: bool = False


BLOB_CHUNK: Final = 1_800_000
"""Bytes of a chunk from generation B on."""
