"""Errors of commands: one line on standard error, and an exit status.

What a canister says when it traps has several lines: a message, and a backtrace. They are shown as lines, each
indented, so that none of them looks like one of ours.
"""

from __future__ import annotations

from typing import Final

import click

from ic_harness.errors import InputError, RejectError
from ic_harness.text import for_log, one_line

_MOST_LINES: Final = 40
"""Lines of a canister's text that are shown."""


class Failed(click.ClickException):
    """The network, the canister or the upload failed. `in_lines` is whether the lines of the text are kept."""

    exit_code = 1

    def __init__(self, message: str, *, in_lines: bool = False) -> None:
        super().__init__(message)
        self.in_lines = in_lines


class BadInput(click.ClickException):
    """Bad arguments or bad input; nothing was sent or changed."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ctrl-C; the status is 128 and the number of SIGINT, as shells count."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


def failure(error: BaseException) -> click.ClickException:
    """Convert an error into the exception that ends the command: `BadInput` for `InputError`, else `Failed`."""
    text = str(error) or type(error).__name__
    if isinstance(error, InputError):
        return BadInput(text)
    return Failed(text, in_lines=isinstance(error, RejectError))


def report(error: click.ClickException) -> int:
    """Print an error on standard error, in one line unless it keeps its lines; return its exit status."""
    text = error.format_message()
    shown = _lines(text) if isinstance(error, Failed) and error.in_lines else one_line(for_log(text))
    click.echo(f"ic-harness: {shown}", err=True)
    return error.exit_code


def _lines(text: str) -> str:
    first, *rest = [line.rstrip() for line in text.splitlines() if line.strip()] or [""]
    more = len(rest) - _MOST_LINES
    rest = rest[:_MOST_LINES] + ([f"… and {more} more lines"] if more > 0 else [])
    return "\n".join([one_line(for_log(first)), *(f"  {for_log(line.expandtabs(4))}" for line in rest)])
