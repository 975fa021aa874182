"""Compiled modules on disk, so that a canister is compiled once per machine and engine version.

A file holds the SHA-256 of the compiled code and the code. It is written beside its place and renamed into
it, so a reader sees a whole file or none; a damaged one is ignored and written anew. The folder is only its
owner's: compiled code is run as it is.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

_DIGEST = 32


class CodeCache:
    """Compiled modules by key, in a folder; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            with suppress(OSError):  # see `store`
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self, key: str) -> bytes | None:
        """The compiled code stored under `key`, or None."""
        if self._folder is None:
            return None
        try:
            with (self._folder / key).open("rb", buffering=0) as file:
                digest, code = file.read(_DIGEST), file.readall()
        except OSError:
            return None
        return code if hashlib.sha256(code).digest() == digest else None

    def store(self, key: str, code: bytes) -> None:
        """Keep compiled code under `key`.

        A folder that cannot be written costs speed only, so that is no error.
        """
        if self._folder is None:
            return
        temporary = self._folder / f".{key}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            temporary.write_bytes(hashlib.sha256(code).digest() + code)
            temporary.replace(self._folder / key)
        except OSError:
            with suppress(OSError):
                temporary.unlink()


def default_folder() -> Path | None:
    """Where compiled modules go by default: the user's cache folder; None for a user without a home folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "ic-harness" / "code"
    except RuntimeError:
        return None


def source_digest(folder: Path) -> str | None:
    """Return the start of the SHA-256 of the Python files in `folder`, for keys of what they made.

    None when there are none, or when they cannot be read: in an archive, say.
    """
    digest = hashlib.sha256()
    try:
        with os.scandir(folder) as entries:
            paths = sorted(entry.path for entry in entries if entry.name.endswith(".py"))
        for path in paths:
            with open(path, "rb") as file:  # noqa: PTH123  # for 60 files, `Path` takes as long as reading them
                digest.update(hashlib.sha256(file.read()).digest())
    except OSError:
        return None
    return digest.hexdigest()[:16] if paths else None
