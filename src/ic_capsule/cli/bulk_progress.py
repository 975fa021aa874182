"""The progress display of a run: three phases, live in a terminal, as plain lines elsewhere; failures first.

It reads the ledger by a connection of its own, so `bulk run` and `bulk status --watch` show the same.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ic_capsule.bulk import LedgerView, Meter, Stage, Stats, line, phases
from ic_harness.text import for_log, one_line

_LIVE_S: Final = 0.5
_PLAIN_S: Final = 10.0
_LETTERS: Final = 5


class Watcher:
    """Shows the progress of a ledger, from a thread of its own."""

    def __init__(self, path: Path, stages: tuple[Stage, ...]) -> None:
        self._path = path
        self._stages = stages
        self._stop = threading.Event()
        self._meter = Meter()
        self._told = ""

    def stop(self) -> None:
        """Let `show` return."""
        self._stop.set()

    def show(self, *, until_finished: bool = False) -> None:
        """Show until `stop`, or until nothing is left to do."""
        with LedgerView.open(self._path) as view:
            if sys.stderr.isatty():
                self._live(view, until_finished=until_finished)
            else:
                self._plain(view, until_finished=until_finished)

    def _live(self, view: LedgerView, *, until_finished: bool) -> None:
        with Live(console=Console(stderr=True), auto_refresh=False, transient=False) as live:
            while True:
                last = self._stop.is_set()
                stats = self._look(view)
                live.update(self._screen(view, stats), refresh=True)
                if last or (until_finished and stats.finished):
                    return
                self._stop.wait(_LIVE_S)

    def _plain(self, view: LedgerView, *, until_finished: bool) -> None:
        while True:
            last = self._stop.is_set()
            stats = self._look(view)
            text = line(stats, self._meter, self._stages)
            if text != self._told:
                click.echo(text, err=True)
                self._told = text
            if last or (until_finished and stats.finished):
                return
            self._stop.wait(_PLAIN_S)

    def _look(self, view: LedgerView) -> Stats:
        stats = view.stats()
        self._meter.note(stats, time.monotonic())
        return stats

    def _screen(self, view: LedgerView, stats: Stats) -> Group:
        bars = Table.grid(padding=(0, 1))
        for phase in phases(stats):
            if phase.stage in self._stages:
                bar = ProgressBar(total=max(phase.total, 1), completed=phase.done + phase.failed, width=40)
                bars.add_row(phase.name, bar, f"{phase.done}/{phase.total}")
        letters = [
            Text(
                f"✗ {one_line(for_log(letter.name), 40)}: {letter.cls}: {one_line(for_log(letter.error), 90)}",
                "red",
            )
            for letter in view.dead_letters()[-_LETTERS:]
        ]
        return Group(*letters, bars, Text(line(stats, self._meter, self._stages)))


@contextmanager
def shown(path: Path, stages: tuple[Stage, ...]) -> Iterator[None]:
    """Show the progress of a ledger while the block runs."""
    watcher = Watcher(path, stages)
    thread = threading.Thread(target=watcher.show, name="ic-harness-bulk-progress")
    thread.start()
    try:
        yield
    finally:
        watcher.stop()
        thread.join()
