"""Examples at the end of a command's `--help`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

C = TypeVar("C", bound=click.Command)


def examples(*lines: str) -> Callable[[C], C]:
    """Add command lines to the help of a command; a test parses each of them."""
    shown = "".join(f"\n  {line}" for line in lines)

    def add(command: C) -> C:
        # The mark keeps click from joining the lines.
        command.epilog = f"\b\nExample{'s' if len(lines) > 1 else ''}:{shown}"
        return command

    return add
