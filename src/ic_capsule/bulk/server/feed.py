"""What the page shows of a ledger, as plain data: counts, rows, changes, figures.

Counting costs 2 to 20 ms and happens once for each change that is told, however many pages look.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Final

from ic_capsule.bulk.ledger import progress_of
from ic_capsule.bulk.records import FileRow, Stats
from ic_capsule.bulk.states import Stage, State
from ic_capsule.bulk.views import LedgerView
from ic_harness.text import readable

STATS_FOR_S: Final = 0.25
WORDS: Final = {
    "pending": "Waiting to be uploaded",
    "uploading": "Uploading",
    "processing": "Uploaded, processing images",
    "embedding": "Uploaded, making it searchable",
    "ready": "Ready to search",
    "failed": "Failed permanently",
}


class Feed:
    """Reads a ledger for pages. Methods may be called in any thread."""

    def __init__(self, view: LedgerView) -> None:
        self.view = view
        self._lock = threading.Lock()
        self._stats: tuple[int, float, Stats] | None = None

    def stats(self, age_s: float = STATS_FOR_S) -> Stats:
        """Counts, as they are or at most `age_s` seconds ago; counted once for each change of the ledger."""
        with self._lock:
            now, changes = time.monotonic(), self.view.changes()
            known = self._stats
            if known is None or (known[0] != changes and now - known[1] > age_s):
                known = self._stats = (changes, now, self.view.stats())
            return known[2]

    def progress(self, age_s: float = STATS_FOR_S) -> dict[str, Any]:
        """The message of the event stream and of `/api/processing-stats`, without its time."""
        stats = self.stats(age_s)
        unique = stats.total - stats.duplicates
        images = unique - stats.count(Stage.PROCESS, State.SKIPPED) + stats.duplicates
        states = {stage: stats.states[stage] for stage in Stage}
        return {
            "stats": {
                "total": stats.total,
                "uploaded": stats.count(Stage.UPLOAD, State.DONE, State.SKIPPED),
                "processed": stats.count(Stage.PROCESS, State.DONE),
                "embedded": stats.count(Stage.EMBED, State.DONE),
                "failed": sum(stats.dead.values()),
                "duplicates": stats.duplicates,
                "images": max(0, images),
                "waiting": sum(states[stage].get(State.WAITING, 0) for stage in Stage),
                "bytes": {"total": stats.bytes_total, "stored": stats.bytes_done},
                "failures": {str(cls): count for cls, count in sorted(stats.dead.items())},
                "finished": stats.finished,
            }
        }

    def changed(self, after: int, limit: int = 1_000) -> tuple[int, list[int] | None]:
        """The number of the newest event, and the files that changed after the event `after`.

        None instead of files when they are more than `limit` or older than the events that are kept: read all anew.
        """
        last = self.view.last_event()
        if last < after or (self.view.first_event() > after + 1 and last > after):
            return last, None
        events = self.view.events(after, limit + 1)
        if len(events) > limit:
            return last, None
        ids = dict.fromkeys(event.file for event in events if event.file is not None)
        return (events[-1].seq if events else after), list(ids)

    def rows(self, offset: int, limit: int, *, failed: bool = False) -> dict[str, Any]:
        """Rows of the list, failures first; with `failed` those alone."""
        files = self.view.window(offset=offset, limit=limit)
        if failed:
            total = self._failed_files()
            files = [file for file in files if progress_of(file) == "failed"]
        else:
            total = self.stats().total
        return {"total": total, "offset": offset, "rows": [row_of(file) for file in files]}

    def _failed_files(self) -> int:
        # Duplicates have the state of the file that they equal, and are listed with it.
        found = self.view.rows("SELECT count(DISTINCT file) AS n FROM stage WHERE state = 'dead'")
        return int(found[0]["n"])

    def gallery(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Files that have a preview, newest first; those with an id below `before`."""
        rows = self.view.rows(
            "SELECT f.id, f.name, p.width, p.height FROM file f JOIN preview p ON p.sha256 = f.sha256"
            " WHERE f.duplicate_of IS NULL AND f.id < ? ORDER BY f.id DESC LIMIT ?",
            (before if before is not None else 1 << 62, limit),
        )
        return [dict(row) for row in rows]

    def has_preview(self, file: FileRow) -> bool:
        """Whether a file can be shown."""
        if file.sha256 is None:
            return False
        return bool(self.view.rows("SELECT 1 FROM preview WHERE sha256 = ?", (file.sha256,)))


def without_path(text: str, path: bytes) -> str:
    """An error without the path of its file: pages show it beside the name, and need no place on the server."""
    whole = readable(os.fsdecode(path))
    folder, name = os.path.split(whole)
    return text.removeprefix(f"{whole} ").removeprefix(f"{name} ").replace(f"{folder}{os.sep}", "")


def row_of(file: FileRow) -> dict[str, Any]:
    """A row of the list."""
    state = progress_of(file)
    failed = next((stage for stage in Stage if file.states.get(stage) is State.DEAD), None)
    retrying = next((stage for stage in Stage if file.states.get(stage) is State.WAITING), None)
    told = failed or retrying
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "kind": file.kind,
        "status": state,
        "words": "Waits for its next try" if retrying and not failed else WORDS[state],
        "stages": {str(stage): str(step) for stage, step in file.states.items()},
        "failed": None if failed is None else str(failed),
        "class": str(file.classes[told]) if told and told in file.classes else None,
        "error": without_path(file.errors.get(told, ""), file.path) if told else "",
        "duplicate": file.duplicate_of,
        "memory": file.memory_id,
    }
