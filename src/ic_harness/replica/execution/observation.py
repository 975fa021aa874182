"""What messages of canisters were given, what they answered and how large the canister was then, message by message.

Observers see every execution of an engine, those of queries and callbacks included, in the thread that executes it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ic_harness.lazy_dataclass import dataclass

from .interface import Completed, Entry, Environment, Mode, Outcome, Reply

_QUERIES = frozenset({Mode.QUERY, Mode.COMPOSITE_QUERY})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedMessage:
    """One execution: bytes of its argument and reply, and of the canister's memories after it.

    `method` is the exported function's name without its kind, such as `greet` or `canister_init`; `callback` for a
    reply or reject. `limit` are the instructions that it could execute.
    """

    canister_id: bytes
    method: str
    query: bool
    instructions: int
    limit: int
    argument: int
    reply: int
    heap: int
    stable: int
    trapped: bool


class Observer(Protocol):
    """Is called after each execution."""

    def __call__(self, entry: Entry, env: Environment, outcome: Outcome, heap: int, stable: int) -> None:
        """See one execution; `heap` and `stable` are bytes."""


class MessageList:
    """An observer that keeps what it sees."""

    def __init__(self) -> None:
        self.messages: list[ObservedMessage] = []
        self._lock = threading.Lock()

    def __call__(self, entry: Entry, env: Environment, outcome: Outcome, heap: int, stable: int) -> None:
        """Keep one execution."""
        answer = outcome.effects.answer if isinstance(outcome, Completed) else None
        message = ObservedMessage(
            canister_id=env.canister_id,
            method="callback" if entry.export is None else entry.export.rpartition(" ")[2],
            query=env.mode in _QUERIES,
            instructions=outcome.instructions,
            limit=env.instruction_limit,
            argument=len(env.arg),
            reply=len(answer.data) if isinstance(answer, Reply) else 0,
            heap=heap,
            stable=stable,
            trapped=not isinstance(outcome, Completed),
        )
        with self._lock:
            self.messages.append(message)


@contextmanager
def observed(observers: list[Observer]) -> Iterator[list[ObservedMessage]]:
    """Within the block, keep what an engine with these observers executes."""
    kept = MessageList()
    observers.append(kept)
    try:
        yield kept.messages
    finally:
        observers.remove(kept)
