"""What a person sees: a progress bar for each lane, and the table of the four assets.

Progress goes to standard error and only to a terminal; results go to standard output. Without a terminal the
table is as wide as it needs to be, so that nothing is cut off in a log.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from ic_harness.text import for_log, one_line
from ic_harness.units import human_bytes

WIDE: Final = 200
"""Columns of a table that is not shown in a terminal."""


_ROOM_FOR_HASHES: Final = 148
"""A table of assets that is narrower leaves the hashes out."""


class Lanes(Protocol):
    """Where a command reports how far each lane is."""

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Report `done` of `total` bytes (None: not known yet) of `lane`."""


class Quiet:
    """Reports to nobody."""

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Do nothing."""


class Bars:
    """A bar for each lane, made when the lane first reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Move the bar of `lane`."""
        if lane not in self._tasks:
            self._tasks[lane] = self._progress.add_task(lane, total=total)
        self._progress.update(self._tasks[lane], completed=done, total=total)


@contextmanager
def lanes() -> Iterator[Lanes]:
    """Show bars while the block runs, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield Quiet()
        return
    columns = (TextColumn("{task.description:>12}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0, narrow: int
) -> None:
    """Print a table on standard output.

    The last `numbers` columns are aligned to the right, and where the terminal is too narrow the column with the
    index `narrow` is folded.
    """
    shown = Table(title=Text(one_line(title)), title_justify="left")
    for index, column in enumerate(columns):
        right = index >= len(columns) - numbers
        shown.add_column(
            column, justify="right" if right else "left", no_wrap=index != narrow, overflow="fold"
        )
    for row in rows:
        shown.add_row(
            *(Text(for_log(cell)) for cell in row)
        )  # as Text, brackets in a file's name are no markup
    console().print(shown)


def console() -> Console:
    """Make the console for results: as wide as the terminal, or wide enough for a log."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def asset_table(photo: Mapping[str, Any]) -> None:
    """Print the assets of an uploaded photo, given as its JSON object, and a line about the whole."""
    hashes = console().width >= _ROOM_FOR_HASHES  # --json has them anyway
    rows = [
        (
            asset["asset_type"],
            asset["locator"] or "inline",
            asset["mime_type"],
            *([asset["sha256"]] if hashes else []),
            f"{asset['width']}x{asset['height']}",
            human_bytes(asset["bytes"]),
        )
        for asset in photo["assets"]
    ]
    columns = ("asset", "stored as", "type", *(["SHA-256"] if hashes else []), "pixels", "size")
    table(f"{photo['photo']}: memory {photo['memory_id']}", columns, rows, numbers=2, narrow=1)
    proof = "read back and equal" if photo["verified"] else "NOT VERIFIED"
    console().print(
        f"{human_bytes(photo['bytes'])} in {photo['seconds']:.2f} s, {proof}; "
        f"canister {photo['canister_id']}, capsule {one_line(photo['capsule_id'])}",
        soft_wrap=True,
        markup=False,
    )
