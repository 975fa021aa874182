"""Metrics of every message, and the stream of lines that canisters print.

Nothing here influences the replicated state. The newest entries are kept, each with a number, so that a reader
can continue where it stopped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.state.delta import MessageCost
from ic_harness.replica.state.replicated_state import Canister, LogRecord

KEPT: Final = 10_000
"""Entries of each stream that are kept."""
ROUNDS: Final = 64
"""Rounds after which their messages are counted, at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionMetrics:
    """What one message of a canister cost.

    `what` is the method, `reply`, `reject`, `heartbeat`, `global_timer` or `on_low_wasm_memory`;
    `cycles` is by how much the balance changed; `query` is True for a query that was not replicated.
    """

    round: int
    canister_id: bytes
    what: str
    instructions: int
    cycles: int
    trapped: bool
    query: bool = False

    @property
    def canister(self) -> Principal:
        """The canister that ran."""
        return Principal(self.canister_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """Something that a canister printed, or why it trapped."""

    canister: Principal
    time_ns: int
    content: bytes

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode(errors="replace")


T = TypeVar("T")


class Recent(Generic[T]):
    """The newest entries of a stream, numbered from 0. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._entries: deque[T] = deque(maxlen=KEPT)
        self._count = 0
        self._lock = threading.Lock()

    def extend(self, entries: Iterable[T]) -> None:
        """Add entries."""
        with self._lock:
            new = list(entries)
            self._entries.extend(new)
            self._count += len(new)

    def since(self, number: int = 0) -> tuple[int, list[T]]:
        """The entries from `number` on that are still kept, and the number to come back with."""
        with self._lock:
            first = self._count - len(self._entries)
            return self._count, list(self._entries)[max(0, number - first) :]


class Figures:
    """What messages cost: a stream like `Recent`, whose entries are made only when they are read.

    To `rounds` is appended the number of a round, what messages cost (a list that does not change), and whether they
    were queries that saw its state; `take_in` follows after `ROUNDS` rounds.
    """

    def __init__(self) -> None:
        self.rounds: deque[tuple[int, list[tuple[bytes, MessageCost]], bool]] = deque()
        self._kept: deque[tuple[int, list[tuple[bytes, MessageCost]], bool]] = deque()
        self._kept_messages = 0
        """Messages in `_kept`: the newest `KEPT`, and those before them in the same round."""
        self._count = 0
        """Messages so far, those that were forgotten included."""
        self._lock = threading.Lock()

    def take_in(self) -> None:
        """Count the messages of the rounds that wait for it, and forget the oldest ones."""
        kept = self._kept
        with self._lock:
            while self.rounds:
                kept.append(self.rounds.popleft())
                self._kept_messages += len(kept[-1][1])
                self._count += len(kept[-1][1])
                while self._kept_messages - len(kept[0][1]) >= KEPT:
                    self._kept_messages -= len(kept.popleft()[1])

    def since(self, number: int = 0) -> tuple[int, list[ExecutionMetrics]]:
        """The entries from `number` on that are still kept, and the number to come back with."""
        self.take_in()
        with self._lock:
            count, kept = self._count, list(self._kept)
        wanted = min(KEPT, count - number)
        found: list[ExecutionMetrics] = []
        while kept and len(found) < wanted:
            round_number, costs, query = kept.pop()
            found += [
                ExecutionMetrics(round=round_number, canister_id=canister_id, query=query, **cost._asdict())
                for canister_id, cost in reversed(costs)
            ]
        del found[max(0, wanted) :]
        found.reverse()
        return count, found


class Observer:
    """Collects figures and lines after each round, and passes lines on to listeners.

    `seen` is the number of the next line of each canister's log.
    """

    def __init__(self) -> None:
        self.figures = Figures()
        self.lines: Recent[LogLine] = Recent()
        self.listeners: list[Callable[[LogLine], None]] = []
        self.seen: dict[bytes, int] = {}

    def report_to(self, other: Observer) -> None:
        """Put everything into the streams of another observer."""
        self.figures, self.lines, self.listeners = other.figures, other.lines, other.listeners

    def skip(self, canisters: Iterable[Canister]) -> None:
        """Take what these canisters printed so far as told."""
        self.seen = {canister.id: canister.next_log for canister in canisters}

    def read_logs(self, changed: Iterable[Canister]) -> None:
        """Pass on what canisters printed since the last call."""
        for canister in changed:
            told = self.seen.get(canister.id, 0)
            self.seen[canister.id] = canister.next_log
            self._tell(canister, [record for record in canister.logs if record.index >= told])

    def _tell(self, canister: Canister, records: list[LogRecord]) -> None:
        canister_id = Principal(canister.id)
        self.tell([LogLine(canister=canister_id, time_ns=r.time_ns, content=r.content) for r in records])

    def tell(self, lines: list[LogLine]) -> None:
        """Pass lines on: those of a query come here directly, because no canister log keeps them."""
        self.lines.extend(lines)
        for listener in list(self.listeners):
            for line in lines:
                listener(line)
