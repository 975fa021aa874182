"""Commands that a project runs before and after a canister is installed.

Relied on, after dfx's sources (`operations/canister/install_canister.rs`): a command is split into words as a shell
splits them, its first word is a file of the project or a program on PATH, and it runs in the project's folder
without a shell.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ic_harness.errors import InputError

from .build_output import builds_print_to


def run_script(folder: Path, command: str, variables: Mapping[str, str], what: str) -> None:
    """Run one command with `variables` in `folder`, what it prints on standard error.

    Raises `InputError` that names `what` when it cannot be run or fails.
    """
    try:
        words = shlex.split(command)
        if not words:
            return
        file = folder / words[0]
        program = str(file.resolve()) if file.is_file() else shutil.which(words[0])
        if program is None:
            raise InputError(f"{what}: there is no command or file {words[0]!r}")
        subprocess.run(  # noqa: S603 - the project's own command, which was asked for
            [program, *words[1:]],
            cwd=folder,
            env={**os.environ, **variables},
            check=True,
            stdout=builds_print_to(),
        )
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise InputError(f"{what}: the command {command!r} failed: {error}") from error
