"""Upload slots: a page asks for one, sends the bytes to it, and says that they are complete.

    (none) ──open──▶ open ──bytes──▶ received ──complete──▶ completed      again: the same answer
                      └── expires ──▶ 403, the page asks for a new one

Slots are rows of the ledger file, so they survive a server that is killed. A slot that has its bytes does not expire
before they are completed or swept.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from ic_capsule.bulk.ledger import Ledger

_TABLE: Final = """CREATE TABLE IF NOT EXISTS web_slot (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, expires REAL NOT NULL,
  sha256 BLOB, answer TEXT) WITHOUT ROWID"""
KEEP_S: Final = 24 * 3600.0
"""How long a slot is remembered after its end at least: repeated completions are answered until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place for one file: `size` in bytes as announced, `expires` in seconds since 1970.

    `sha256` is the hash of the bytes that have arrived, None before; `answer` what a completion was answered.
    """

    id: str
    user: str
    name: str
    size: int
    expires: float
    sha256: bytes | None
    answer: dict[str, Any] | None

    def is_open(self, now: float) -> bool:
        """Whether bytes may still come."""
        return self.answer is None and now < self.expires


class Slots:
    """The slots of a ledger."""

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self._ledger = ledger
        self._seconds = seconds
        ledger.run(_TABLE)

    def open(self, user: str, name: str, size: int) -> Slot:
        """Make a slot."""
        slot_id, expires = str(uuid.uuid4()), self._ledger.clock() + self._seconds
        self._ledger.run(
            "INSERT INTO web_slot (id, user, name, size, expires) VALUES (?, ?, ?, ?, ?)",
            (slot_id, user, name, size, expires),
        )
        return Slot(id=slot_id, user=user, name=name, size=size, expires=expires, sha256=None, answer=None)

    def find(self, slot_id: str, user: str) -> Slot | None:
        """The slot, if it is this user's."""
        rows = self._ledger.rows("SELECT * FROM web_slot WHERE id = ? AND user = ?", (slot_id, user))
        if not rows:
            return None
        return _slot(dict(rows[0]))

    def received(self, slot_id: str, sha256: bytes) -> None:
        """Note that the bytes are there."""
        self._ledger.run("UPDATE web_slot SET sha256 = ? WHERE id = ?", (sha256, slot_id))

    def completed(self, slot_id: str, answer: dict[str, Any]) -> None:
        """Keep what a completion was answered."""
        self._ledger.run("UPDATE web_slot SET answer = ? WHERE id = ?", (json.dumps(answer), slot_id))

    def ended(self) -> list[Slot]:
        """Slots that ended a day ago."""
        rows = self._ledger.rows("SELECT * FROM web_slot WHERE expires < ?", (self._ledger.clock() - KEEP_S,))
        return [_slot(dict(row)) for row in rows]

    def forget(self, slot_id: str) -> None:
        """Forget a slot."""
        self._ledger.run("DELETE FROM web_slot WHERE id = ?", (slot_id,))


def _slot(row: dict[str, Any]) -> Slot:
    answer = row.pop("answer")
    return Slot(**row, answer=None if answer is None else json.loads(answer))
