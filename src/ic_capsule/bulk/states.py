"""The stages of a file and the states of a stage, as tables. Pure: no ledger, no clock, no network.

upload ──done──▶ process ──done──▶ embed          a stage becomes ready when the one before it is done

blocked ─▶ ready ─▶ leased ─▶ done                  skipped: nothing to do here (a duplicate, not an image)
             ▲        │ ├───▶ waiting ─▶ leased      until `next_at`
             │        │ └───▶ dead                   a dead letter
             └────────┴──────── retried; or the lease ended: its worker was lost
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """What is done with a file, in this order."""

    UPLOAD = "upload"
    PROCESS = "process"
    EMBED = "embed"


class State(StrEnum):
    """How far a file is in a stage."""

    BLOCKED = "blocked"
    READY = "ready"
    LEASED = "leased"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    SKIPPED = "skipped"


class FailureClass(StrEnum):
    """Why a try failed; decides whether and when there is another one."""

    RATE_LIMIT = "rate_limit"
    NETWORK = "network"
    SERVER = "server"
    INVALID = "invalid"
    UNKNOWN = "unknown"


STAGES: Final = tuple(Stage)
FOLLOWS: Final[Mapping[Stage, Stage]] = {Stage.UPLOAD: Stage.PROCESS, Stage.PROCESS: Stage.EMBED}
"""The stage that becomes ready when one is done."""

NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.BLOCKED: frozenset({State.READY, State.SKIPPED}),
    State.READY: frozenset({State.LEASED, State.WAITING, State.SKIPPED, State.DEAD, State.DONE}),
    State.LEASED: frozenset({State.DONE, State.WAITING, State.DEAD, State.READY, State.SKIPPED}),
    State.WAITING: frozenset({State.LEASED, State.READY, State.SKIPPED, State.DEAD}),
    State.DONE: frozenset({State.READY, State.BLOCKED}),
    State.DEAD: frozenset({State.READY, State.BLOCKED, State.SKIPPED}),
    State.SKIPPED: frozenset({State.READY, State.BLOCKED}),
}
"""The states that may come next."""

SETTLED: Final = frozenset({State.DONE, State.DEAD, State.SKIPPED})
"""States in which a run has nothing more to do."""

NORMAL: Final = 0
URGENT: Final = 10
"""Priorities: urgent is what a person retries."""

MAX_ATTEMPTS: Final[Mapping[int, int]] = {NORMAL: 5, URGENT: 10}


def may_follow(before: State, after: State) -> bool:
    """Whether a stage may go from one state to another."""
    return after in NEXT[before]


def sources(after: State) -> tuple[State, ...]:
    """The states from which a stage may come to `after`."""
    return tuple(before for before, allowed in NEXT.items() if after in allowed)
