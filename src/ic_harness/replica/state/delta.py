"""What a round changed, as plain data: for the journal, the certified state, waiting callers and metrics."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.replicated_state import Answer, Outcall, RequestRecord, Stream


@dataclass(frozen=True, slots=True)
class Pages:
    """What a message changed in memory: sizes and globals after it; (region, offset, content) of ranges."""

    heap_size: int
    stable_size: int
    globals: tuple[int, ...]
    parts: tuple[tuple[str, int, bytes], ...]


class MessageCost(NamedTuple):
    """What one message cost: instructions, and by how much it changed the balance."""

    what: str
    instructions: int
    cycles: int
    trapped: bool


@dataclass(slots=True)
class StateDelta:
    """What a round changed, for journal and certifier; ids of canisters, None for what is gone."""

    canisters: set[bytes] = field(default_factory=set)
    requests: dict[bytes, RequestRecord | None] = field(default_factory=dict)
    pages: list[tuple[bytes, Pages]] = field(default_factory=list)
    replaced: set[bytes] = field(default_factory=set)  # memory changed as a whole (install, load, delete)
    outcalls: dict[int, Outcall | None] = field(default_factory=dict)
    streams: dict[bytes, Stream | None] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)  # by ticket of the host
    measures: list[tuple[bytes, MessageCost]] = field(default_factory=list)
