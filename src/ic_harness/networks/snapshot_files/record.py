"""The record of an unfinished transfer: a line of text for every slice that is done.

A line is the slice (`wasm_memory 1966080`) and the SHA-256 of its content. Lines are appended after the slice itself
was written or accepted; a killed process leaves at most half a line at the end, which is ignored.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ic_harness import portable_files
from ic_harness.errors import InputError

_FIELDS: Final = 3


class Record:
    """An open record. One process has it at a time: another gets `InputError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | portable_files.SAFE, 0o600)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        try:
            portable_files.lock(self._file)
        except BlockingIOError as error:
            os.close(self._file)
            raise InputError(f"another process transfers this snapshot: it has locked {path}") from error
        self.done = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def _read(self) -> dict[tuple[str, int], str]:
        """Read all whole lines, and cut half a line off."""
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        found = {}
        for line in whole.decode(errors="replace").splitlines():
            fields = line.split(" ")
            if len(fields) == _FIELDS and fields[1].isdecimal():
                found[fields[0], int(fields[1])] = fields[2]
        return found

    def add(self, name: str, offset: int, digest: str) -> None:
        """Append a line. Raises `InputError` when the disk is full."""
        try:
            os.write(self._file, f"{name} {offset} {digest}\n".encode())
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error
        self.done[name, offset] = digest

    def clear(self) -> None:
        """Forget all lines."""
        os.ftruncate(self._file, 0)
        self.done.clear()
