"""One process at a time in a state folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ic_harness.errors import StateError


class FolderLock:
    """A lock on a folder that the kernel gives up when the process ends, however it ends.

    Raises `StateError`, which names the process, when another one has it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StateError(f"the state folder {folder} is in use by process {owner}") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._file)
