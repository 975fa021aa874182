"""Errors on their way to the person who typed: one line, and an exit status."""

from __future__ import annotations

from typing import Final

import click

from ic_harness.errors import InputError

FAILED: Final = 1
"""The network, the canister or the upload says no."""

BAD_INPUT: Final = 2
"""Bad arguments or bad input; nothing was sent or changed."""

INTERRUPTED: Final = 130
"""Ctrl-C: 128 and the number of SIGINT, as shells count."""


class Failure(click.ClickException):
    """An error that ends the command: its text in one line, and the exit status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(one_line(text))
        self.exit_code = status


def failure(error: BaseException) -> Failure:
    """Turn an error into a `Failure`: bad input is the caller's, everything else failed."""
    status = BAD_INPUT if isinstance(error, InputError) else FAILED
    return Failure(str(error) or type(error).__name__, status)


def report(error: click.ClickException) -> int:
    """Print an error on standard error in one line, and return its exit status."""
    click.echo(f"ic-harness: {one_line(error.format_message())}", err=True)
    return error.exit_code


def one_line(text: str) -> str:
    """Put a text of several lines into one."""
    return " ".join(text.split())
