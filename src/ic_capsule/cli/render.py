"""Progress bars of the two lanes, and the table of a photo's assets.

Progress goes to standard error and only to a terminal; results go to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ic_harness.cli.render import console, table
from ic_harness.text import one_line
from ic_harness.units import human_bytes

from .batch import Batch

_MAIN_LANE: Final = "original"
"""The lane that carries the file itself."""
_ROOM_FOR_HASHES: Final = 148
"""A table of assets that is narrower leaves the hashes out."""


class Lanes(Protocol):
    """Receives the progress of each lane."""

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Report `done` of `total` bytes (None: not known yet) of `lane`."""


class Quiet:
    """Shows no progress."""

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Do nothing."""


class Bars:
    """A bar for each lane, made when the lane first reports; of several files one for all of them above."""

    def __init__(self, progress: Progress, batch: Batch) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._sent = batch.sent
        self._whole: TaskID | None = None
        if not batch.is_one:
            self._whole = progress.add_task(batch.place, total=batch.total, completed=batch.sent)

    def advance(self, lane: str, done: int, total: int | None) -> None:
        """Move the bar of `lane`."""
        if lane not in self._tasks:
            self._tasks[lane] = self._progress.add_task(lane, total=total)
        self._progress.update(self._tasks[lane], completed=done, total=total)
        if self._whole is not None and lane == _MAIN_LANE:
            self._progress.update(self._whole, completed=self._sent + done)


@contextmanager
def lanes(batch: Batch, *, quiet: bool = False) -> Iterator[Lanes]:
    """Show bars and the time left while the block runs, if standard error is a terminal and `quiet` is False."""
    if quiet or not sys.stderr.isatty():
        yield Quiet()
        return
    columns = (
        TextColumn("{task.description:>12}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress, batch)


@contextmanager
def memories_bar(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show a bar of `total` memories and the time left, as `lanes` does; the function counts one."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    columns = (TextColumn("memories"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("memories", total=total)
        yield lambda: progress.advance(task)


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
