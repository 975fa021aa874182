"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError

PRIVATE: Final = 0o600
"""Permissions of a file that only its owner may read."""


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
        written = _write(descriptor, parts)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return written


def write_once(path: Path, content: bytes) -> bool:
    """Write a private file unless it exists already; tell whether it was written.

    Two processes may race: exactly one of them writes, and neither sees a half-written file. Raises `InputError`
    when the folder cannot be made or written to.
    """
    try:
        return _write_once(path, content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _write_once(path: Path, content: bytes) -> bool:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        _write(descriptor, [content])
        os.link(temporary, path)  # unlike a rename, a link never replaces what another process wrote
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _write(descriptor: int, parts: Iterable[bytes]) -> int:
    with os.fdopen(descriptor, "wb") as file:
        written = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return written
