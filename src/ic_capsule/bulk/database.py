"""The only module that opens SQLite: connections, the layout's versions, transactions, and the coordinator's lock.

Write-ahead logging with `synchronous=NORMAL`: a commit costs 0.05 ms and survives a kill of the process at any moment.
A power failure may lose the newest commits; they are then repeated, which the backend answers as the first time.
Several processes may hold the same file open: each write is a short transaction, and readers never wait for writers.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, StateError
from ic_harness.text import readable

VERSION: Final = 1
_SCHEMA: Final = Path(__file__).with_name("schema.sql")
_STEPS: Final[Mapping[int, Sequence[str]]] = {}
"""Statements that lead from a version to the next one."""
_PATIENCE_S: Final = 30.0

Row = sqlite3.Row


class Database:
    """One connection; may be used by several threads, one statement or transaction at a time."""

    def __init__(self, path: Path | None, *, writable: bool, create: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        if path is not None and not create and not path.exists():
            raise InputError(f"there is no ledger {readable(path)}: `ic-harness bulk add` makes one")
        if path is not None and create:
            _make_folder(path.parent)
        try:
            self._connection = _connect(path)
            self._prepare(writable=writable)
        except sqlite3.DatabaseError as error:
            raise StateError(f"{readable(path or '')} is no ledger that can be used: {error}") from error

    def _prepare(self, *, writable: bool) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._migrate()
        if not writable:
            self._connection.execute("PRAGMA query_only=ON")

    def _migrate(self) -> None:
        if self._version() == VERSION:
            return
        with self.transaction():
            found = self._version()
            if found > VERSION:
                raise StateError(
                    f"the ledger {readable(self.path or '')} has version {found}, this program knows {VERSION}"
                )
            if found == 0:
                _run_script(self._connection, _SCHEMA.read_text(encoding="utf-8"))
            else:
                for version in range(found, VERSION):
                    for statement in _STEPS[version]:
                        self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version={VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything in the block one commit, or nothing; blocks inside join the outer one."""
        with self._lock:
            if self._depth:
                yield
                return
            with self._told():
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                with self._told():
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite has rolled back by itself when the disk is full
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite raises into an error that says which file and what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(
                f"the ledger {readable(self.path or 'in memory')} cannot be used: {error}; nothing that is in it is "
                "lost: make room, or wait for the program that holds it, and run again"
            ) from error

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Execute one statement that writes; returns the number of rows it changed."""
        with self._lock, self._told():
            return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute an INSERT; returns the id of the row."""
        with self._lock, self._told():
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock, self._told():
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a query; None when there is none."""
        with self._lock, self._told():
            found: Row | None = self._connection.execute(statement, values).fetchone()
            return found

    def changes(self) -> int:
        """A number that changes when another connection commits."""
        with self._lock:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=_PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {readable(folder)}: {error.strerror}") from error


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    """Execute statements one by one: `executescript` would commit the transaction that is open."""
    statement = ""
    for line in script.splitlines():
        statement += line.partition("--")[0] + "\n"
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


class CoordinatorLock:
    """Says that one process runs a ledger: an exclusive transaction on a file beside it.

    It ends with the process, however that ends. Raises `StateError` when another process holds it.
    """

    def __init__(self, ledger: Path) -> None:
        path = ledger.with_name(f"{ledger.name}-coordinator")
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # The rollback journal: a write-ahead log would let a second process begin.
            self._connection.execute("PRAGMA journal_mode=DELETE")
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise StateError(
                f"{readable(ledger)} is run by another process: wait for it, or stop it (Ctrl-C) and start again"
            ) from error

    def close(self) -> None:
        """Let another process run the ledger."""
        self._connection.close()


def process_name() -> str:
    """Who holds a lease that this process takes."""
    return f"local-{os.getpid()}"
