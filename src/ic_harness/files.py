"""Files that are replaced as a whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from ic_harness.errors import InputError


def write_atomically(path: Path, parts: Iterable[bytes], *, mode: int = 0o666) -> int:
    """Write `parts` to `path`, replacing it only when everything is on disk; return the number of bytes.

    A reader sees the old file or the new one, never half of one, even when this process is killed. `mode` are
    the permissions before the user's mask. Raises `InputError` when the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    try:
        written = write_synced(descriptor, parts)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return written


def write_synced(descriptor: int, parts: Iterable[bytes]) -> int:
    """Write `parts` to an open file, close it when they are on disk, and return the number of bytes."""
    with os.fdopen(descriptor, "wb") as file:
        written = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return written
