"""Searching a ledger: by words, by likeness, and for near-duplicates.

Words go to an FTS5 table over name, date, place, camera, title and tags. It follows the ledger's events, so that a
search after a thousand uploads indexes those and no others. Likeness compares vectors by brute force: 2,000 vectors
of 176 values take 30 ms.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import mul
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.text import clean

from .embed import HASH_BITS, VisualEmbedder
from .ledger import Ledger
from .records import FileRow
from .views import LedgerView

NEAR: Final = 6
"""Differing bits of 64 up to which two pictures are near-duplicates: others differ in 20 and more."""
_TABLE: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_text USING fts5"
    "(name, date, place, camera, title, tags, tokenize = 'unicode61 remove_diacritics 2')"
)
_STATE: Final = (
    "CREATE TABLE IF NOT EXISTS search_state (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL)"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WORD: Final = re.compile(r"\w+")
_JOINED: Final = re.compile(r"([a-z])([A-Z])|[_\W]+")
_MOST_WORDS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was found; `score` is from 0 to 1 for likeness, larger is better for words too."""

    file: FileRow
    score: float


# -- words ----------------------------------------------------------------------------------------------------


def search_text(ledger: Ledger, words: str, limit: int = 60) -> list[Found]:
    """Files whose name, date, place, camera, title or tags have all `words`, each as the start of a word; best first.

    Raises `InputError` when there is no word in `words`.
    """
    terms = _WORD.findall(words)[:_MOST_WORDS]
    if not terms:
        raise InputError(f"{clean(words)!r} has no word to search for: letters or digits")
    refresh(ledger)
    query = " ".join(f'"{term}"*' for term in terms)
    rows = ledger.rows(
        "SELECT rowid, rank FROM search_text WHERE search_text MATCH ? ORDER BY rank, rowid LIMIT ?",
        (query, limit),
    )
    return [Found(file=ledger.file(row["rowid"]), score=-float(row["rank"])) for row in rows]


def refresh(ledger: Ledger) -> int:
    """Index what has changed since the last search; returns how many files that were."""
    with ledger.transaction():
        ledger.run(_TABLE)
        ledger.run(_STATE)
        state = ledger.rows("SELECT seq FROM search_state")
        seq, last = (state[0]["seq"] if state else 0), ledger.last_event()
        if seq == last:
            return 0
        changed = _changed(ledger, seq)
        for file in changed:
            ledger.run("DELETE FROM search_text WHERE rowid = ?", (file.id,))
            ledger.run(
                "INSERT INTO search_text (rowid, name, date, place, camera, title, tags) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (file.id, *_columns(file)),
            )
        ledger.run("INSERT OR REPLACE INTO search_state VALUES (1, ?)", (last,))
    return len(changed)


def _changed(ledger: Ledger, seq: int) -> list[FileRow]:
    """The files of events after `seq`; all files where such events are pruned already."""
    if ledger.first_event() > seq + 1:
        return list(ledger.every_file())
    ids = ledger.rows(
        "SELECT DISTINCT e.file FROM event e JOIN file f ON f.id = e.file WHERE e.seq > ? ORDER BY e.file",
        (seq,),
    )
    return [ledger.file(row["file"]) for row in ids]


def _columns(file: FileRow) -> tuple[str, str, str, str, str, str]:
    facts: Mapping[str, Any] = file.facts or {}
    tags = " ".join(dict.fromkeys([*file.tags, *(str(tag) for tag in facts.get("tags") or ())]))
    return (
        # Words of a name are often joined: IMG_2041, dayAtTheSea.
        f"{file.name} {_JOINED.sub(_apart, file.name)}",
        _date_words(str(facts.get("taken_at") or "")),
        str(facts.get("location") or ""),
        _camera(facts.get("exif")),
        str(facts.get("title") or ""),
        tags,
    )


def _apart(found: re.Match[str]) -> str:
    return f"{found[1]} {found[2]}" if found[1] else " "


def _date_words(taken_at: str) -> str:
    """`2024:07:09 18:30:00` as people write it: 2024-07-09, 2024 July 9."""
    found = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)", taken_at)
    if found is None or not 1 <= int(found[2]) <= 12:
        return ""
    year, month, day = found.groups()
    return f"{year}-{month}-{day} {year}{month}{day} {_MONTHS[int(month) - 1]} {int(day)}"


def _camera(exif: Any) -> str:
    try:
        known = json.loads(exif) if isinstance(exif, str) else exif
    except ValueError:
        return ""
    if not isinstance(known, dict):
        return ""
    return " ".join(str(known[key]) for key in ("Make", "Model", "LensModel", "Software") if known.get(key))


# -- likeness -------------------------------------------------------------------------------------------------


def more_like(
    view: LedgerView, file_id: int, limit: int = 24, model: str = VisualEmbedder.name
) -> list[Found]:
    """The files that look most like one, best first, itself and its duplicates left out.

    Raises `InputError` when there is no such file, or it has no vector of `model` yet.
    """
    asked = view.file(file_id)
    vectors = dict(view.embeddings(model))
    own = vectors.get(asked.sha256 or b"")
    if own is None:
        raise InputError(f"{asked.name} is not searchable yet: its embed stage has not run with {model}")
    return _best(view, _floats(own), vectors, limit, without=asked.sha256)


def like_vector(
    view: LedgerView, vector: bytes, limit: int = 24, model: str = VisualEmbedder.name
) -> list[Found]:
    """The files that look most like a vector of `model`, for pictures that are not in the ledger."""
    return _best(view, _floats(vector), dict(view.embeddings(model)), limit)


def _best(
    view: LedgerView, own: array[float], vectors: dict[bytes, bytes], limit: int, without: bytes | None = None
) -> list[Found]:
    scores = [
        (sum(map(mul, own, _floats(vector))), sha256)
        for sha256, vector in vectors.items()
        if sha256 != without and len(vector) == 4 * len(own)
    ]
    scores.sort(key=lambda entry: (-entry[0], entry[1]))
    found = ((score, view.by_content(sha256)) for score, sha256 in scores[:limit])
    return [Found(file=files[0], score=score) for score, files in found if files]


def near_duplicates(view: LedgerView, most: int = NEAR) -> list[list[FileRow]]:
    """Groups of files that look the same and have different bytes; the largest file of a group first.

    Pictures belong together when a chain of pairs that differ in at most `most` of 64 bits leads from one to the other.
    """
    hashes = [(sha256, _bits(vector)) for sha256, vector in view.embeddings(VisualEmbedder.name)]
    groups = [members for members in _grouped([bits for _, bits in hashes], most) if len(members) > 1]
    found = ([view.by_content(hashes[at][0]) for at in members] for members in groups)
    rows = [[files[0] for files in contents if files] for contents in found]
    return [sorted(group, key=lambda file: (-file.size, file.id)) for group in rows if len(group) > 1]


def _grouped(hashes: list[int], most: int) -> Iterable[list[int]]:
    """Indexes of hashes that are near each other, as groups.

    Two hashes with at most `most` differing bits are equal in one of `most + 1` slices, so only those are compared.
    """
    leader = list(range(len(hashes)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = at = leader[leader[at]]
        return at

    for slot in _slots(hashes, most + 1):
        for position, one in enumerate(slot):
            for other in slot[:position]:
                if (hashes[one] ^ hashes[other]).bit_count() <= most:
                    leader[find(one)] = find(other)
    groups: dict[int, list[int]] = {}
    for at in range(len(hashes)):
        groups.setdefault(find(at), []).append(at)
    return groups.values()


def _slots(hashes: list[int], slices: int) -> Iterable[list[int]]:
    width = -(-HASH_BITS // slices)
    for shift in range(0, HASH_BITS, width):
        slots: dict[int, list[int]] = {}
        for at, bits in enumerate(hashes):
            slots.setdefault(bits >> shift & (1 << width) - 1, []).append(at)
        yield from (slot for slot in slots.values() if len(slot) > 1)


def _bits(vector: bytes) -> int:
    return sum(1 << at for at, value in enumerate(_floats(vector)[:HASH_BITS]) if value > 0)


def _floats(vector: bytes) -> array[float]:
    values = array("f")
    values.frombytes(vector)
    if array("H", [1]).tobytes() != b"\x01\x00":
        values.byteswap()
    return values
