"""What the ledger holds, as plain records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .states import FailureClass, Stage, State


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to add: `path` as the file system has it, `size` in bytes, `sha256` None when it cannot be read.

    `problem` says why a file can never be stored; it becomes a dead letter of the class `invalid` at once.
    """

    path: bytes
    name: str
    size: int
    mtime_ns: int
    sha256: bytes | None
    kind: str
    mime: str
    tags: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of the ledger with the state of each stage.

    `first_byte` is when its first byte was sent, `safe` when its memory was made (seconds since 1970). `errors` holds
    the latest error of a stage that has one, `classes` its class.
    """

    id: int
    path: bytes
    name: str
    size: int
    mtime_ns: int
    sha256: bytes | None
    kind: str
    mime: str
    tags: tuple[str, ...]
    duplicate_of: int | None
    memory_id: str | None
    first_byte: float | None
    safe: float | None
    states: Mapping[Stage, State] = field(default_factory=dict)
    errors: Mapping[Stage, str] = field(default_factory=dict)
    classes: Mapping[Stage, FailureClass] = field(default_factory=dict)
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One asset of a file on its way: `session` and `blob_id` are None until the backend has said them.

    `sent` counts the bytes that were handed to the network, however often.
    """

    file: int
    kind: str
    size: int
    sha256: bytes
    idem: str
    session: int | None = None
    blob_id: str | None = None
    uploaded_at_ns: int = 0
    sent: int = 0
    state: str = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One stage of one file that a worker has taken; `attempts` failed before this one."""

    file: FileRow
    stage: Stage
    attempts: int
    max_attempts: int
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A stage of a file that failed for good."""

    file: int
    path: bytes
    name: str
    stage: Stage
    cls: FailureClass
    error: str
    attempts: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `seq` grows for ever and is the id of a server-sent event."""

    seq: int
    at: float
    type: str
    file: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counts of files: `states[stage][state]`. Duplicates count with the file that they equal.

    `bytes_total` and `bytes_sent` are those of originals: to be stored, and handed to the network so far.
    """

    total: int
    duplicates: int
    states: Mapping[Stage, Mapping[State, int]]
    bytes_total: int
    bytes_sent: int
    bytes_done: int
    dead: Mapping[FailureClass, int]

    def count(self, stage: Stage, *states: State) -> int:
        """How many files are in one of `states` of `stage`."""
        return sum(self.states[stage].get(state, 0) for state in states)

    @property
    def finished(self) -> bool:
        """Whether no stage of any file has anything left to do."""
        left = (State.READY, State.LEASED, State.WAITING)
        return not any(self.count(stage, *left) for stage in Stage)

    def as_json(self) -> dict[str, Any]:
        """Plain data: what `bulk status --json` prints."""
        return {
            "total": self.total,
            "duplicates": self.duplicates,
            "uploaded": self.count(Stage.UPLOAD, State.DONE),
            "processed": self.count(Stage.PROCESS, State.DONE),
            "embedded": self.count(Stage.EMBED, State.DONE),
            "failed": sum(self.dead.values()),
            "finished": self.finished,
            "bytes": {"total": self.bytes_total, "sent": self.bytes_sent, "stored": self.bytes_done},
            "stages": {
                str(stage): {str(state): count for state, count in sorted(counts.items())}
                for stage, counts in self.states.items()
            },
            "dead_letters": {str(cls): count for cls, count in sorted(self.dead.items())},
        }


def plain(value: Any) -> str:
    """A value as the JSON text that the ledger keeps."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
