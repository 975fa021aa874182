"""An executable that clients of PocketIC accept where they look for the server's binary.

pic-js looks in `node_modules/@dfinity/pic/pocket-ic` and makes the file executable by itself; the crate and pocketic-py
read `POCKET_IC_BIN`. The file is a script of the shell that starts this Python with this package.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError

NAME: Final = "pocket-ic"
_MARK: Final = "# written by ic-harness"


def install(folder: Path) -> Path:
    """Write the executable into a folder, which is made if need be; returns its path.

    An earlier one of ours is replaced. Raises `InputError` when another file has its name or it cannot be written.
    """
    target = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and _MARK not in target.read_text(encoding="utf-8", errors="replace")[:200]:
            raise InputError(f"{target} exists and is another program: remove it, or name another folder")
        fresh = target.with_name(f".{NAME}.{os.getpid()}")
        fresh.write_text(script(), encoding="utf-8")
        fresh.chmod(0o755)
        fresh.replace(target)
    except OSError as problem:
        raise InputError(f"{target} cannot be written: {problem.strerror}") from None
    return target


def script() -> str:
    """The text of the executable: `exec` keeps the process id, so that signals of clients arrive."""
    python = shlex.quote(sys.executable)
    return f'#!/bin/sh\n{_MARK}\nexec {python} -m ic_harness.pocket_ic.main "$@"\n'
