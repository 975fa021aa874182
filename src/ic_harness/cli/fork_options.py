"""The option for the passphrase of a fork."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

PASSPHRASE_VARIABLE: Final = "IC_HARNESS_FORK_PASSPHRASE"  # noqa: S105 - the name of a variable

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"File with the passphrase of an encrypted fork in its first line; else {PASSPHRASE_VARIABLE}, or a prompt.",
)
