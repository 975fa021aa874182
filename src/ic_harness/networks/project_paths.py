"""Names and paths that a project file contains: checked before anything is made of them.

A project may be somebody else's. Its build commands run when they are asked for; everything else in its file is data:
a name may not be a path or a line of an environment file, and a text file that is read or written lies in the
project's folder, or in the repository around it (the nearest folder upwards with a `.git`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError
from ic_harness.text import MAX_TEXT, brief, read_text

MAX_WASM: Final = 200 * 1024 * 1024
"""Bytes of the largest module that is read; a canister's module has at most 100 MiB."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


def checked_name(name: object, source: Path) -> str:
    """Return the name of a canister of the file `source`.

    Raises `InputError` for a name with other characters than letters, digits, `_`, `-` and `.`: it becomes a part of
    paths and of names of variables.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"{source}: {brief(name)} is no name of a canister: letters, digits, _, - and . make one"
        )
    return name


def project_path(folder: Path, path: object, what: str) -> Path:
    """Return the path of a file that a project names, relative to `folder`; links are not followed.

    Raises `InputError` that names `what` for anything but a path inside the project or its repository.
    """
    if not isinstance(path, str) or not path or any(ord(char) < 32 for char in path):
        raise InputError(f"{what} must be a path, not {brief(path)}")
    root = _repository(folder)
    if not Path(os.path.normpath(folder.absolute() / path)).is_relative_to(os.path.normpath(root)):
        raise InputError(f"{what}: {brief(path)} is outside of the project's folder {root}")
    return folder / path


def resolved_path(folder: Path, path: object, what: str) -> Path:
    """Return the path of a file that a project names with all links followed.

    Raises `InputError` that names `what` when the file it leads to is outside of the project and its repository.
    """
    try:
        found = project_path(folder, path, what).resolve()
        root = _repository(folder).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise InputError(f"{what}: cannot follow {brief(path)}: {error}") from error
    if not found.is_relative_to(root):
        raise InputError(f"{what}: {brief(path)} leads outside of the project's folder {root}")
    return found


def _repository(folder: Path) -> Path:
    """Return the nearest folder upwards with a `.git`, or `folder` itself."""
    start = folder.absolute()
    return next((place for place in (start, *start.parents) if (place / ".git").exists()), start)


def project_text(folder: Path, path: object, what: str) -> str:
    """Read a text file that a project names. Raises `InputError` that names `what`."""
    found = resolved_path(folder, path, what)
    if found.exists() and not found.is_file():
        raise InputError(f"{what}: cannot read {found}: it is no file")
    try:
        return read_text(found, MAX_TEXT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{what}: cannot read {found}: {getattr(error, 'strerror', None) or error}"
        ) from error


def project_module(path: Path, what: str) -> bytes:
    """Read a module. Raises `InputError` that names `what` when it is too large or cannot be read."""
    try:
        size = path.stat().st_size
        if size > MAX_WASM:
            raise InputError(
                f"{what}: {path} has {size} bytes; a module has {MAX_WASM // 2 // 1024**2} MiB at most"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{what}: cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
