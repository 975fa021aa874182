"""The ledger: the only truth about a run, one SQLite file that survives a kill at any moment.

Who opens it how:

    a reader (status, report, a page's live view)   LedgerView.open(path)     any number, at any time
    a writer (add, retry, a page's upload)          Ledger.open(path)         any number; short transactions
    the coordinator (run)                           ledger.coordinate()       one; a second is refused

A coordinator notices what other writers added or retried by `changes()`. Every method is one transaction; several
calls become one inside `with ledger.transaction():`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Self

from ic_harness.errors import InputError

from .database import CoordinatorLock, Database, process_name
from .records import FileRow, Lease, NewFile, plain
from .states import FOLLOWS, MAX_ATTEMPTS, NORMAL, URGENT, FailureClass, Stage, State, sources
from .views import LedgerView

KEEP_EVENTS: Final = 10_000
_PRUNE_EVERY: Final = 500
_ANSWERED_AT_ONCE: Final = 64
Clock = Callable[[], float]


class Ledger(LedgerView):
    """A ledger for writing; `clock` returns seconds since 1970."""

    def __init__(self, database: Database, clock: Clock = time.time) -> None:
        super().__init__(database)
        self.clock = clock
        self._events = 0
        self._answered: list[bytes] = []
        self._lock: CoordinatorLock | None = None

    @classmethod
    def open(cls, path: Path, *, create: bool = False, clock: Clock = time.time) -> Self:
        """Open a ledger for writing, and with `create` make it where there is none.

        Raises `InputError` when there is none, `StateError` for a damaged one or one of a later version.
        """
        return cls(Database(path, writable=True, create=create), clock)

    @classmethod
    def in_memory(cls, clock: Clock = time.time) -> Self:
        """Make a ledger that is gone when closed: for a worker of another machine, and for tests."""
        return cls(Database(None, writable=True), clock)

    def close(self) -> None:
        """Close the file, and let another process run it."""
        self.flush()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        super().close()

    def transaction(self) -> AbstractContextManager[None]:
        """Make several writes one."""
        return self._db.transaction()

    def coordinate(self) -> None:
        """Become the one process that runs this ledger; what a killed one had taken becomes ready again.

        Raises `StateError` when another process runs it.
        """
        if self.path is not None and self._lock is None:
            self._lock = CoordinatorLock(self.path)
        with self.transaction():
            self._db.run(
                "UPDATE stage SET state = 'ready', lease_by = NULL, lease_until = NULL WHERE state = 'leased'"
            )

    # -- what is to be done ---------------------------------------------------------------------------------

    def set_target(self, **target: str) -> None:
        """Bind the ledger to a backend at its first run. Raises `InputError` when it is bound to another one."""
        with self.transaction():
            known = self.target()
            other = [key for key, value in target.items() if known.get(key, value) != value]
            if other:
                told = ", ".join(f"{key} {known[key]}" for key in other)
                raise InputError(f"this ledger belongs to {told}: give another one by --ledger")
            for key, value in target.items():
                self._db.run("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def note_network(self, name: str) -> None:
        """Note by which name the network was reached last: a local one may have another port each time."""
        self._db.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('network', ?)", (name,))

    def add(self, files: Iterable[NewFile], priority: int = NORMAL) -> tuple[int, int]:
        """Add files; returns how many were new (or have changed) and how many of them equal another one's bytes.

        A file that is known and unchanged stays as it is. One whose bytes have changed starts anew.
        """
        new = twice = 0
        with self.transaction():
            for found in files:
                file_id = self._add(found)
                if file_id is None:
                    continue
                new += 1
                twin = self._twin(found.sha256, file_id)
                twice += twin is not None
                self._db.run("UPDATE file SET duplicate_of = ? WHERE id = ?", (twin, file_id))
                self._open_stages(file_id, found, twin, priority)
                self._event("added", file_id, {"name": found.name, "size": found.size})
        return new, twice

    def replace(self, file_id: int, found: NewFile) -> None:
        """Note what a file is that could not be read when it was added; its stages stay as they are."""
        with self.transaction():
            self._db.run(
                "UPDATE file SET size = ?, mtime_ns = ?, sha256 = ?, kind = ?, mime = ? WHERE id = ?",
                (found.size, found.mtime_ns, found.sha256, found.kind, found.mime, file_id),
            )
            if found.kind != "image":
                self._db.run(
                    "UPDATE stage SET state = 'skipped' WHERE file = ? AND stage <> 'upload'", (file_id,)
                )

    def _add(self, found: NewFile) -> int | None:
        known = self._db.row("SELECT id, sha256, size FROM file WHERE path = ?", (found.path,))
        if known is not None and known["sha256"] == found.sha256:
            self._db.run("UPDATE file SET mtime_ns = ? WHERE id = ?", (found.mtime_ns, known["id"]))
            return None
        values = (found.path, found.name, found.size, found.mtime_ns, found.sha256, found.kind, found.mime)
        if known is None:
            return self._db.insert(
                "INSERT INTO file (path, name, size, mtime_ns, sha256, kind, mime, tags, added)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, plain(found.tags), self.clock()),
            )
        file_id = int(known["id"])
        self._promote_duplicates(file_id)
        for table in ("part", "stage", "attempt"):
            self._db.run(f"DELETE FROM {table} WHERE file = ?", (file_id,))  # noqa: S608 - names of ours
        self._db.run(
            "UPDATE file SET path = ?, name = ?, size = ?, mtime_ns = ?, sha256 = ?, kind = ?, mime = ?, facts = NULL,"
            " memory_id = NULL, first_byte = NULL, safe = NULL, duplicate_of = NULL, tags = ? WHERE id = ?",
            (*values, plain(found.tags), file_id),
        )
        return file_id

    def _promote_duplicates(self, file_id: int) -> None:
        """The content of a file is replaced: the first file that equals the old content takes its place."""
        heir = self._db.row("SELECT min(id) AS id FROM file WHERE duplicate_of = ?", (file_id,))
        if heir is None or heir["id"] is None:
            return
        old = self._db.row("SELECT facts, memory_id, safe, first_byte FROM file WHERE id = ?", (file_id,))
        assert old is not None, "bug: only a file that is known is replaced"
        self._db.run(
            "UPDATE file SET duplicate_of = NULL, facts = ?, memory_id = ?, safe = ?, first_byte = ? WHERE id = ?",
            (*old, heir["id"]),
        )
        self._db.run("UPDATE file SET duplicate_of = ? WHERE duplicate_of = ?", (heir["id"], file_id))
        for table in ("part", "attempt", "stage"):
            self._db.run(f"DELETE FROM {table} WHERE file = ?", (heir["id"],))  # noqa: S608 - names of ours
            self._db.run(f"UPDATE {table} SET file = ? WHERE file = ?", (heir["id"], file_id))  # noqa: S608

    def _twin(self, sha256: bytes | None, file_id: int) -> int | None:
        if sha256 is None:
            return None
        row = self._db.row(
            "SELECT min(id) AS id FROM file WHERE sha256 = ? AND id <> ? AND duplicate_of IS NULL",
            (sha256, file_id),
        )
        return None if row is None else row["id"]

    def _open_stages(self, file_id: int, found: NewFile, twin: int | None, priority: int) -> None:
        now = self.clock()
        image = found.kind == "image"
        for stage in Stage:
            state = State.READY if stage is Stage.UPLOAD else State.BLOCKED
            if twin is not None or (stage is not Stage.UPLOAD and not image):
                state = State.SKIPPED
            values: tuple[Any, ...] = (None, None, None)
            if found.problem:
                state = State.DEAD if stage is Stage.UPLOAD else State.BLOCKED
                if stage is Stage.UPLOAD:
                    values = (FailureClass.INVALID, found.problem, now)
            self._db.run(
                "INSERT INTO stage (file, stage, state, priority, max_attempts, class, error, finished)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (file_id, stage, state, priority, MAX_ATTEMPTS.get(priority, 5), *values),
            )

    # -- leases ---------------------------------------------------------------------------------------------

    def lease(self, stage: Stage, limit: int, *, by: str = "", seconds: float = 120.0) -> list[Lease]:
        """Take up to `limit` files that are due in `stage`: urgent ones first, then those that are due longest."""
        now, by = self.clock(), by or process_name()
        with self.transaction():
            rows = self._db.rows(
                "SELECT file, attempts, max_attempts, priority FROM stage INDEXED BY stage_next"
                " WHERE stage = ? AND state IN ('ready', 'waiting') AND next_at <= ?"
                " ORDER BY priority DESC, next_at, file LIMIT ?",
                (stage, now, limit),
            )
            for row in rows:
                self._db.run(
                    "UPDATE stage SET state = 'leased', lease_by = ?, lease_until = ?, started = ?"
                    " WHERE file = ? AND stage = ?",
                    (by, now + seconds, now, row["file"], stage),
                )
                self._event("started", row["file"], {"stage": stage})
            return [
                Lease(
                    file=self.file(row["file"]),
                    stage=stage,
                    attempts=row["attempts"],
                    max_attempts=row["max_attempts"],
                    priority=row["priority"],
                )
                for row in rows
            ]

    def give_back(self, file_id: int, stage: Stage) -> None:
        """End a lease without a result: the try was interrupted, or its worker was lost."""
        self._db.run(
            "UPDATE stage SET state = 'ready', lease_by = NULL, lease_until = NULL"
            " WHERE file = ? AND stage = ? AND state = 'leased'",
            (file_id, stage),
        )

    def renew(self, by: str, seconds: float = 120.0) -> None:
        """Extend all leases of a worker."""
        self._db.run(
            "UPDATE stage SET lease_until = ? WHERE state = 'leased' AND lease_by = ?",
            (self.clock() + seconds, by),
        )

    def next_due(self, stages: Sequence[Stage]) -> float | None:
        """When the next file becomes due (seconds since 1970); None when there is none."""
        marks = ", ".join("?" for _ in stages)
        row = self._db.row(
            f"SELECT min(next_at) AS at FROM stage WHERE state IN ('ready', 'waiting') AND stage IN ({marks})",  # noqa: S608
            tuple(stages),
        )
        return None if row is None else row["at"]

    # -- results --------------------------------------------------------------------------------------------

    def done(self, file_id: int, stage: Stage, **data: Any) -> None:
        """Note that a stage is done; the next one becomes ready."""
        now = self.clock()
        with self.transaction():
            self._move(file_id, stage, State.DONE, "finished = ?, class = NULL, error = NULL", now)
            if stage is Stage.UPLOAD:
                self._db.run("UPDATE file SET safe = coalesce(safe, ?) WHERE id = ?", (now, file_id))
            following = FOLLOWS.get(stage)
            if following is not None:
                self._db.run(
                    "UPDATE stage SET state = 'ready', next_at = ?, priority ="
                    " (SELECT priority FROM stage WHERE file = ? AND stage = ?)"
                    " WHERE file = ? AND stage = ? AND state = 'blocked'",
                    (now, file_id, stage, file_id, following),
                )
            self._event("done", file_id, {"stage": stage, **data})

    def wait(
        self,
        lease: Lease,
        cls: FailureClass,
        text: str,
        *,
        delay_s: float,
        counts: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        """Note a failed try that is made again after `delay_s` seconds; `counts` False spends no try."""
        now = self.clock()
        with self.transaction():
            self._move(
                lease.file.id,
                lease.stage,
                State.WAITING,
                "next_at = ?, attempts = attempts + ?, class = ?, error = ?",
                now + delay_s,
                int(counts),
                cls,
                text,
            )
            self._attempt(lease, cls, text, retry_after_s)
            self._event(
                "waiting", lease.file.id, {"stage": lease.stage, "class": cls, "seconds": round(delay_s, 3)}
            )

    def dead(self, lease: Lease, cls: FailureClass, text: str) -> None:
        """Note that a stage failed for good: a dead letter. Stages that are done stay done."""
        now = self.clock()
        with self.transaction():
            moved = self._move(
                lease.file.id,
                lease.stage,
                State.DEAD,
                "finished = ?, attempts = attempts + 1, class = ?, error = ?",
                now,
                cls,
                text,
            )
            if not moved:
                return  # done meanwhile by another worker
            self._attempt(lease, cls, text, None)
            self._event("dead", lease.file.id, {"stage": lease.stage, "class": cls, "error": text})

    def retry(
        self,
        *,
        files: Iterable[int] | None = None,
        cls: FailureClass | None = None,
        stage: Stage | None = None,
    ) -> int:
        """Make dead letters ready again, urgently: those of `files`, of a class, of a stage, or all.

        Returns how many. A file that waits for its next try is not made to wait any longer.
        """
        where, values = ["state IN ('dead', 'waiting')"], list[Any]()
        if files is not None:
            ids = list(files)
            where.append(f"file IN ({', '.join('?' for _ in ids)})")
            values += ids
        for column, value in (("class", cls), ("stage", stage)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        with self.transaction():
            rows = self._db.rows(f"SELECT file, stage FROM stage WHERE {' AND '.join(where)}", values)  # noqa: S608
            for row in rows:
                self._db.run(
                    "UPDATE stage SET state = 'ready', priority = ?, attempts = 0, max_attempts = ?, next_at = 0"
                    " WHERE file = ? AND stage = ?",
                    (URGENT, MAX_ATTEMPTS[URGENT], row["file"], row["stage"]),
                )
                self._event("retried", row["file"], {"stage": row["stage"]})
        return len(rows)

    def again(self, stage: Stage) -> int:
        """Make a stage that is done ready for all files once more, such as embed for another model."""
        with self.transaction():
            return self._db.run(
                "UPDATE stage SET state = 'ready', attempts = 0, next_at = 0 WHERE stage = ? AND state = 'done'",
                (stage,),
            )

    def _move(self, file_id: int, stage: Stage, after: State, change: str, *values: Any) -> bool:
        """Move a stage to a state, where the table of transitions allows it; tells whether it was moved."""
        allowed = ", ".join(f"'{state}'" for state in sources(after))
        moved = self._db.run(
            f"UPDATE stage SET state = ?, {change} WHERE file = ? AND stage = ? AND state IN ({allowed})",  # noqa: S608
            (after, *values, file_id, stage),
        )
        return moved > 0

    def _attempt(self, lease: Lease, cls: FailureClass, text: str, retry_after_s: float | None) -> None:
        started = self._db.row(
            "SELECT started FROM stage WHERE file = ? AND stage = ?", (lease.file.id, lease.stage)
        )
        now = self.clock()
        ms = 0.0 if started is None or started["started"] is None else (now - started["started"]) * 1000
        self._db.run(
            "INSERT INTO attempt (file, stage, n, at, class, text, ms, retry_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (lease.file.id, lease.stage, lease.attempts + 1, now, cls, text, ms, retry_after_s),
        )

    # -- facts and parts ------------------------------------------------------------------------------------

    def set_facts(self, file_id: int, facts: Any) -> None:
        """Keep what is known of a file's content, so that a repeated request says the same."""
        self._db.run("UPDATE file SET facts = ? WHERE id = ?", (plain(facts), file_id))

    def set_memory(self, file_id: int, memory_id: str) -> None:
        """Note the memory of a file, and of its duplicates."""
        self._db.run(
            "UPDATE file SET memory_id = ? WHERE id = ? OR duplicate_of = ?", (memory_id, file_id, file_id)
        )

    def first_byte(self, file_id: int) -> None:
        """Note that the first byte of a file is about to be sent, unless one was sent before."""
        self._db.run(
            "UPDATE file SET first_byte = coalesce(first_byte, ?) WHERE id = ?", (self.clock(), file_id)
        )

    def begin_part(self, file_id: int, kind: str, *, size: int, sha256: bytes, idem: str) -> None:
        """Note an asset that is about to be sent; one with the same bytes that is known stays as it is."""
        self._db.run(
            "INSERT INTO part (file, kind, size, sha256, idem) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (file, kind) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256,"
            " idem = excluded.idem, session = NULL, blob_id = NULL, uploaded_at_ns = 0, state = 'new'"
            " WHERE idem <> excluded.idem",
            (file_id, kind, size, sha256, idem),
        )

    def part_opened(self, file_id: int, kind: str, session: int) -> None:
        """Note the session of an asset."""
        self._db.run(
            "UPDATE part SET session = ?, state = 'open' WHERE file = ? AND kind = ?",
            (session, file_id, kind),
        )

    def part_sent(self, file_id: int, kind: str, count: int) -> None:
        """Note that `count` bytes of an asset are about to be sent."""
        self._db.run("UPDATE part SET sent = sent + ? WHERE file = ? AND kind = ?", (count, file_id, kind))

    def merge_part(self, file_id: int, part: Mapping[str, Any]) -> None:
        """Take over what another ledger says of an asset; bytes that were sent add up."""
        values = {**part, "file": file_id}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self._db.run(
            f"INSERT INTO part ({names}) VALUES ({marks}) ON CONFLICT (file, kind) DO UPDATE SET"  # noqa: S608 - names of ours
            " session = excluded.session, blob_id = excluded.blob_id, uploaded_at_ns = excluded.uploaded_at_ns,"
            " sent = sent + excluded.sent, state = excluded.state",
            values,
        )

    def part_stored(self, file_id: int, kind: str, blob_id: str | None, uploaded_at_ns: int = 0) -> None:
        """Note that an asset is stored: as a blob, or inline (None)."""
        self._db.run(
            "UPDATE part SET blob_id = ?, uploaded_at_ns = ?, state = 'stored' WHERE file = ? AND kind = ?",
            (blob_id, uploaded_at_ns, file_id, kind),
        )

    def set_preview(self, sha256: bytes, width: int, height: int, webp: bytes) -> None:
        """Keep the thumbnail of a content."""
        self._db.run("INSERT OR REPLACE INTO preview VALUES (?, ?, ?, ?)", (sha256, width, height, webp))

    def set_embedding(self, sha256: bytes, model: str, dim: int, vector: bytes) -> None:
        """Keep the vector of a content: `dim` floats of 4 bytes, little-endian."""
        self._db.run("INSERT OR REPLACE INTO embedding VALUES (?, ?, ?, ?)", (sha256, model, dim, vector))

    # -- requests and events --------------------------------------------------------------------------------

    def request_sent(
        self, request_id: bytes, method: str, expiry_ns: int, file_id: int | None, stage: Stage | None
    ) -> None:
        """Note an update that is about to be sent."""
        self._db.run(
            "INSERT OR REPLACE INTO request (request_id, file, stage, method, expiry_ns, sent_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (request_id, file_id, stage, method, expiry_ns, self.clock()),
        )

    def request_answered(self, request_id: bytes) -> None:
        """Note that the outcome of an update is known; written with others, for one that is left is only looked up."""
        self._answered.append(request_id)
        if len(self._answered) >= _ANSWERED_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is held back."""
        answered, self._answered = self._answered, []
        marks = ", ".join("?" for _ in answered)
        if answered:
            self._db.run(f"DELETE FROM request WHERE request_id IN ({marks})", answered)  # noqa: S608 - marks only

    def event(self, kind: str, file_id: int | None = None, **data: Any) -> None:
        """Add an event for live views."""
        with self.transaction():
            self._event(kind, file_id, data)

    def _event(self, kind: str, file_id: int | None, data: dict[str, Any]) -> None:
        self._db.run(
            "INSERT INTO event (at, type, file, data) VALUES (?, ?, ?, ?)",
            (self.clock(), kind, file_id, plain(data)),
        )
        self._events += 1
        if self._events % _PRUNE_EVERY == 0:
            self._db.run("DELETE FROM event WHERE seq <= (SELECT max(seq) FROM event) - ?", (KEEP_EVENTS,))

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute any statement that writes; for search indexes and buckets of other modules."""
        return self._db.run(statement, values)


def progress_of(file: FileRow) -> str:
    """The state of a file in one word: pending, uploading, processing, embedding, ready or failed."""
    if State.DEAD in file.states.values():
        return "failed"
    if file.states.get(Stage.UPLOAD) in (State.READY, State.BLOCKED, State.WAITING):
        return "pending"
    for stage, word in (
        (Stage.UPLOAD, "uploading"),
        (Stage.PROCESS, "processing"),
        (Stage.EMBED, "embedding"),
    ):
        if file.states.get(stage) not in (State.DONE, State.SKIPPED):
            return word
    return "ready"
