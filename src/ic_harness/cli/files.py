"""Files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError
from ic_harness.files import write_atomically, write_synced

__all__ = ["PRIVATE", "write_atomically", "write_once"]

PRIVATE: Final = 0o600
"""Permissions of a file that only its owner may read."""


def write_once(path: Path, content: bytes) -> bool:
    """Write a private file unless it exists already; return whether it was written.

    Two processes may race: exactly one of them writes, and neither sees a half-written file. Raises `InputError`
    when the folder cannot be made or written to.
    """
    try:
        return _write_once(path, content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _write_once(path: Path, content: bytes) -> bool:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        write_synced(descriptor, [content])
        os.link(temporary, path)  # unlike a rename, a link never replaces what another process wrote
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True
