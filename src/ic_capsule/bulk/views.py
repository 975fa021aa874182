"""Reading a ledger: counts, files, dead letters, events, latencies.

Any process may read while a run goes on: `LedgerView.open(path)` opens the file for queries only and never waits for
the run. `changes()` returns a number that moves when another process has committed, so a live view asks that (a few
microseconds) and then `events(after)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from ic_harness.errors import InputError

from .database import Database, Row
from .records import DeadLetter, Event, FileRow, Part, Stats
from .states import FailureClass, Stage, State

_FILE = """SELECT f.*, (SELECT json_group_array(json_array(s.stage, s.state, s.error, s.class)) FROM stage s
           WHERE s.file = coalesce(f.duplicate_of, f.id)) AS stages FROM file f """


class LedgerView:
    """A ledger for reading. Close it, or use it as a context manager."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a ledger for reading. Raises `InputError` when there is none, `StateError` for a damaged one."""
        return cls(Database(path, writable=False))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path | None:
        """Where the ledger is; None for one in memory."""
        return self._db.path

    def changes(self) -> int:
        """A number that changes when another connection commits; cheap."""
        return self._db.changes()

    def target(self) -> dict[str, str]:
        """Where the run goes: network, canister, capsule, principal, generation; empty before the first run."""
        return {row["key"]: row["value"] for row in self._db.rows("SELECT key, value FROM meta")}

    def stats(self) -> Stats:
        """Counts of everything; 2 to 4 ms for 2,000 files."""
        states: dict[Stage, dict[State, int]] = {stage: {} for stage in Stage}
        for row in self._db.rows("SELECT stage, state, count(*) AS n FROM stage GROUP BY stage, state"):
            states[Stage(row["stage"])][State(row["state"])] = row["n"]
        dead = self._db.rows("SELECT class, count(*) AS n FROM stage WHERE state = 'dead' GROUP BY class")
        files = self._db.row(
            "SELECT count(*) AS n, count(duplicate_of) AS twice,"
            " coalesce(sum(CASE WHEN duplicate_of IS NULL THEN size END), 0) AS bytes FROM file"
        )
        parts = self._db.row("SELECT coalesce(sum(sent), 0) AS sent FROM part WHERE kind = 'Original'")
        done = self._db.row(
            "SELECT coalesce(sum(f.size), 0) AS bytes FROM stage s JOIN file f ON f.id = s.file"
            " WHERE s.stage = 'upload' AND s.state = 'done'"
        )
        assert files, "bug: an aggregate returns a row"
        return Stats(
            total=files["n"],
            duplicates=files["twice"],
            states=states,
            bytes_total=files["bytes"],
            bytes_sent=parts["sent"] if parts else 0,
            bytes_done=done["bytes"] if done else 0,
            dead={FailureClass(row["class"] or "unknown"): row["n"] for row in dead},
        )

    def file(self, file_id: int) -> FileRow:
        """One file. Raises `InputError` when there is none."""
        row = self._db.row(_FILE + "WHERE f.id = ?", (file_id,))
        if row is None:
            raise InputError(f"the ledger has no file {file_id}")
        return _file(row)

    def file_at(self, path: bytes) -> FileRow | None:
        """The file that was added by `path`."""
        row = self._db.row(_FILE + "WHERE f.path = ?", (path,))
        return None if row is None else _file(row)

    def files(self, *, after: int = 0, limit: int = 100) -> list[FileRow]:
        """A page of files by id: those after `after`. Ask again with the last id until the page is empty."""
        return [
            _file(row)
            for row in self._db.rows(_FILE + "WHERE f.id > ? ORDER BY f.id LIMIT ?", (after, limit))
        ]

    def window(self, *, offset: int, limit: int) -> list[FileRow]:
        """Rows `offset` to `offset + limit` for a list on a page, failures first, then by id."""
        failing = "EXISTS (SELECT 1 FROM stage s WHERE s.file = f.id AND s.state = 'dead')"
        rows = self._db.rows(_FILE + f"ORDER BY {failing} DESC, f.id LIMIT ? OFFSET ?", (limit, offset))
        return [_file(row) for row in rows]

    def every_file(self) -> Iterator[FileRow]:
        """All files, a page at a time."""
        last = 0
        while page := self.files(after=last, limit=500):
            yield from page
            last = page[-1].id

    def parts(self, file_id: int) -> dict[str, Part]:
        """The assets of a file by their kind."""
        rows = self._db.rows("SELECT * FROM part WHERE file = ?", (file_id,))
        return {row["kind"]: Part(**dict(row)) for row in rows}

    def dead_letters(self) -> list[DeadLetter]:
        """What failed for good, in the order of files."""
        rows = self._db.rows(
            "SELECT s.*, f.path, f.name FROM stage s JOIN file f ON f.id = s.file WHERE s.state = 'dead' ORDER BY f.id"
        )
        return [
            DeadLetter(
                file=row["file"],
                path=row["path"],
                name=row["name"],
                stage=Stage(row["stage"]),
                cls=FailureClass(row["class"] or "unknown"),
                error=row["error"] or "",
                attempts=row["attempts"],
                at=row["finished"] or 0.0,
            )
            for row in rows
        ]

    def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """What happened after the event `after`, oldest first. Old events are pruned: see `first_event`."""
        rows = self._db.rows("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
        return [
            Event(
                seq=row["seq"], at=row["at"], type=row["type"], file=row["file"], data=json.loads(row["data"])
            )
            for row in rows
        ]

    def last_event(self) -> int:
        """The number of the newest event; 0 before the first."""
        row = self._db.row("SELECT coalesce(max(seq), 0) AS seq FROM event")
        return int(row["seq"]) if row else 0

    def first_event(self) -> int:
        """The number of the oldest event that is kept; a reader that is further behind reads everything anew."""
        row = self._db.row("SELECT coalesce(min(seq), 0) AS seq FROM event")
        return int(row["seq"]) if row else 0

    def latencies(self, stage: Stage) -> list[float]:
        """Seconds that files took, sorted: an upload from its first byte to its memory, other stages as they ran."""
        if stage is Stage.UPLOAD:
            rows = self._db.rows(
                "SELECT safe - first_byte AS s FROM file WHERE safe IS NOT NULL AND first_byte IS NOT NULL ORDER BY s"
            )
        else:
            rows = self._db.rows(
                "SELECT finished - started AS s FROM stage WHERE stage = ? AND state = 'done' AND started IS NOT NULL"
                " ORDER BY s",
                (stage,),
            )
        return [row["s"] for row in rows]

    def finished_times(self, stage: Stage) -> list[tuple[float, int]]:
        """When each file was done with a stage (seconds since 1970), and its size in bytes; oldest first."""
        rows = self._db.rows(
            "SELECT s.finished, f.size FROM stage s JOIN file f ON f.id = s.file"
            " WHERE s.stage = ? AND s.state = 'done' AND s.finished IS NOT NULL ORDER BY s.finished",
            (stage,),
        )
        return [(row["finished"], row["size"]) for row in rows]

    def preview(self, sha256: bytes) -> bytes | None:
        """The thumbnail (WebP) of a content; None before it was processed."""
        row = self._db.row("SELECT webp FROM preview WHERE sha256 = ?", (sha256,))
        return None if row is None else bytes(row["webp"])

    def embeddings(self, model: str) -> list[tuple[bytes, bytes]]:
        """All vectors of a model: content hash, and float32 little-endian."""
        rows = self._db.rows("SELECT sha256, vector FROM embedding WHERE model = ?", (model,))
        return [(bytes(row["sha256"]), bytes(row["vector"])) for row in rows]

    def by_content(self, sha256: bytes) -> list[FileRow]:
        """The files with a content, the first one that was added first."""
        return [_file(row) for row in self._db.rows(_FILE + "WHERE f.sha256 = ? ORDER BY f.id", (sha256,))]

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Any query, for search and reports."""
        return self._db.rows(statement, values)


def _file(row: Row) -> FileRow:
    stages = json.loads(row["stages"])
    return FileRow(
        id=row["id"],
        path=bytes(row["path"]),
        name=row["name"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        sha256=None if row["sha256"] is None else bytes(row["sha256"]),
        kind=row["kind"],
        mime=row["mime"],
        tags=tuple(json.loads(row["tags"])),
        duplicate_of=row["duplicate_of"],
        memory_id=row["memory_id"],
        first_byte=row["first_byte"],
        safe=row["safe"],
        states={Stage(stage): State(state) for stage, state, _, _ in stages},
        errors={Stage(stage): error for stage, _, error, _ in stages if error},
        classes={Stage(stage): FailureClass(cls) for stage, _, _, cls in stages if cls},
        facts=None if row["facts"] is None else json.loads(row["facts"]),
    )
