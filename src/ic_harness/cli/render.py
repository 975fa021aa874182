"""Tables on standard output; without a terminal they are as wide as needed, so that a log cuts nothing off."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ic_harness.text import for_log, one_line

WIDE: Final = 200
"""Columns of a table that is not shown in a terminal."""


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
