"""A folder that keeps the state of a PocketIC instance, for one process at a time: its server looks at no lock.

FOLDER/lock       held while an instance is open; the kernel gives it up when the process ends, however it ends
FOLDER/instance   the state, made and read by the server alone
"""

from __future__ import annotations

import os
from pathlib import Path

from ic_harness import portable_files
from ic_harness.errors import InputError, StateError


class StateLock:
    """The folder, locked. Raises `StateError` when another process has it, `InputError` when it cannot be made."""

    def __init__(self, folder: Path) -> None:
        self.path = folder.absolute() / "instance"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            self._lock: int | None = os.open(
                folder / "lock", os.O_RDWR | os.O_CREAT | portable_files.SAFE, 0o600
            )
        except OSError as error:
            raise InputError(f"cannot keep state in {folder}: {error.strerror}") from error
        try:
            portable_files.lock(self._lock)
        except BlockingIOError:
            self.release()
            raise StateError(f"the state folder {folder} is in use by another process") from None

    @property
    def empty(self) -> bool:
        """Whether nothing has been kept yet."""
        return not any(self.path.iterdir())

    def release(self) -> None:
        """Unlock the folder."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
