"""Several files in one command: how far it is, and what became of all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ic_harness.units import human_bytes


@dataclass(slots=True)
class Batch:
    """The files of one command. `stored` and `failed` count files, `sent` bytes; `now` returns seconds."""

    files: tuple[Path, ...]
    now: Callable[[], float] = time.monotonic
    stored: int = 0
    failed: int = 0
    sent: int = 0
    """Bytes of the files that are done with, stored or not."""
    total: int = field(init=False)
    """Bytes of all files; one that cannot be read counts none."""
    _stored_bytes: int = field(init=False, default=0)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(map(size_of, self.files))
        self._began = self.now()

    @property
    def is_one(self) -> bool:
        """Whether it is a single file, which needs no totals."""
        return len(self.files) == 1

    @property
    def place(self) -> str:
        """The present file by its number."""
        return f"file {self.stored + self.failed + 1} of {len(self.files)}"

    def done(self, path: Path, *, stored: bool) -> None:
        """Count a file."""
        size = size_of(path)
        self.sent += size
        if stored:
            self.stored += 1
            self._stored_bytes += size
        else:
            self.failed += 1

    def summary(self) -> str:
        """One line about all files that were tried: how many, how much, how fast."""
        seconds = max(self.now() - self._began, 1e-3)
        rate = human_bytes(round(self._stored_bytes / seconds))
        failed = f", {self.failed} failed" if self.failed else ""
        left = len(self.files) - self.stored - self.failed
        untried = f", {left} not tried" if left else ""
        return (
            f"{self.stored} of {len(self.files)} files stored{failed}{untried}: "
            f"{human_bytes(self._stored_bytes)} in {seconds:.1f} s ({rate}/s)"
        )


def size_of(path: Path) -> int:
    """The length of a file in bytes; 0 when it cannot be asked."""
    with suppress(OSError, ValueError):
        return path.stat().st_size
    return 0
