"""Errors on their way to the person who typed: one line, and an exit status."""

from __future__ import annotations

import click

from ic_harness.errors import InputError
from ic_harness.text import for_log, one_line


class Failed(click.ClickException):
    """The network, the canister or the upload says no."""

    exit_code = 1


class BadInput(click.ClickException):
    """Bad arguments or bad input; nothing was sent or changed."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ctrl-C; the status is 128 and the number of SIGINT, as shells count."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


def failure(error: BaseException) -> click.ClickException:
    """Turn an error into what ends the command: bad input is the caller's, everything else failed."""
    text = str(error) or type(error).__name__
    return BadInput(text) if isinstance(error, InputError) else Failed(text)


def report(error: click.ClickException) -> int:
    """Print an error on standard error in one line, and return its exit status."""
    click.echo(f"ic-harness: {one_line(for_log(error.format_message()))}", err=True)
    return error.exit_code
