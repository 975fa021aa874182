"""The folder of a fork: the files of a snapshot, with `fork.json`, which says that it is one and how it is encrypted.

A folder with `fork.json` is never uploaded: `upload_snapshot` refuses it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeAlias

from ic_harness.errors import InputError
from ic_harness.files import write_atomically
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks.snapshot_files.content import PlainContent
from ic_harness.networks.snapshot_files.manifest import FORK_FILE
from ic_harness.text import one_line, parse_json, read_text

from .origin import Origin
from .sealed_content import SealedContent
from .sealing import Lock, new_lock, open_lock

FORMAT: Final = "ic-harness fork"
VERSION: Final = 1
_ORIGIN: Final = "origin.json"
_SEALED_ORIGIN: Final = "origin.sealed"
ForkContent: TypeAlias = PlainContent | SealedContent


@dataclass(frozen=True, slots=True)
class ForkFolder:
    """An open folder of a fork: its files as they are, or decrypted."""

    path: Path
    content: ForkContent

    def has_origin(self) -> bool:
        """Whether `write_origin` was called."""
        return (self.path / self._origin_name).exists()

    def read_origin(self) -> Origin:
        """Read where the fork comes from. Raises `InputError` when that is damaged."""
        path = self.path / self._origin_name
        if isinstance(self.content, SealedContent):
            text = self.content.read_file(_SEALED_ORIGIN, _ORIGIN).decode()
        else:
            text = _read(path)
        return Origin.from_text(text, str(path))

    def write_origin(self, origin: Origin) -> None:
        """Write where the fork comes from. Raises `InputError`."""
        text = origin.to_text().encode()
        if isinstance(self.content, SealedContent):
            self.content.write_file(_SEALED_ORIGIN, _ORIGIN, text)
        else:
            write_atomically(self.path / _ORIGIN, [text, b"\n"], mode=0o600)

    @property
    def _origin_name(self) -> str:
        return _SEALED_ORIGIN if isinstance(self.content, SealedContent) else _ORIGIN


def begin_fork(folder: Path, passphrase: str | None) -> ForkFolder:
    """Open a folder that a download goes into, or continues in; with a passphrase it is encrypted.

    Raises `InputError` for a wrong passphrase, and for a folder that was begun with encryption or without.
    """
    path = folder / FORK_FILE
    if not path.exists():
        lock, sealer = (None, None) if passphrase is None else new_lock(passphrase)
        header = {
            "format": FORMAT,
            "version": VERSION,
            "encryption": None if lock is None else lock.to_json(),
        }
        write_atomically(path, [json.dumps(header, indent=2).encode(), b"\n"], mode=0o600)
        content = PlainContent(folder) if sealer is None else SealedContent(folder, sealer)
        return ForkFolder(folder, content)
    if passphrase is not None and not is_encrypted(folder):
        raise InputError(f"{folder} was begun without encryption; finish it so, or delete the folder")
    return open_fork(folder, passphrase)


def is_encrypted(folder: Path) -> bool:
    """Whether the fork in a folder is encrypted. Raises `InputError` when it is no fork."""
    return _lock(folder) is not None


def open_fork(folder: Path, passphrase: str | None) -> ForkFolder:
    """Open a fork; nothing but its header is read.

    Raises `InputError` when the folder is no fork, for a wrong passphrase, and without one where it is needed.
    """
    lock = _lock(folder)
    if lock is None:
        return ForkFolder(folder, PlainContent(folder))
    if passphrase is None:
        raise InputError(f"{folder} is encrypted: give its passphrase")
    return ForkFolder(folder, SealedContent(folder, open_lock(lock, passphrase, str(folder))))


def _lock(folder: Path) -> Lock | None:
    path = folder / FORK_FILE
    try:
        header: Any = parse_json(_read(path))
        if header["format"] != FORMAT or header["version"] != VERSION:
            raise InputError(f"{path} does not describe a fork in version {VERSION} of the format")
        found = header["encryption"]
        return None if found is None else Lock.from_json(found)
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: {one_line(repr(error), 200)}") from error


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except OSError as error:
        raise InputError(f"{path.parent} is no folder of a fork: {path}: {error.strerror}") from error
