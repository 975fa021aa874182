"""A disk that loses everything that was not forced to it, for tests of power cuts.

It watches the operations of `store.files`. A file has the content that it had at its last `sync`; a folder has the
names that it had at its last `sync_folder`. `after_power_cut` writes that into another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from ic_harness.replica.store import files


class LosingDisk:
    """What of a folder is on the disk."""

    def __init__(self, root: Path, monkeypatch) -> None:
        self.root = root
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        for name in ("create", "make_folder", "sync", "sync_folder"):
            monkeypatch.setattr(files, name, getattr(self, name))

    _create = staticmethod(files.create)
    _make_folder = staticmethod(files.make_folder)
    _sync = staticmethod(files.sync)
    _sync_folder = staticmethod(files.sync_folder)

    def create(self, path):
        """A new file has no content on the disk, whatever file had its number before."""
        handle = self._create(path)
        self._content.pop(os.fstat(handle).st_ino, None)
        return handle

    def make_folder(self, path):
        """A new folder has no names on the disk."""
        there = path.is_dir()
        self._make_folder(path)
        if not there:
            self._names.pop(path.stat().st_ino, None)

    def sync(self, handle, path):
        """The content of a file is on the disk."""
        self._sync(handle, path)
        self._content[os.fstat(handle).st_ino] = path.read_bytes() if path.exists() else b""

    def sync_folder(self, folder):
        """The names in a folder are on the disk."""
        self._sync_folder(folder)
        self._names[folder.stat().st_ino] = {
            entry.name: (entry.inode(), entry.is_dir()) for entry in os.scandir(folder)
        }

    def after_power_cut(self, target: Path) -> Path:
        """Write what would be found after a power cut at this moment."""
        self._write(self.root.stat().st_ino, target)
        return target

    def _write(self, number: int, target: Path) -> None:
        target.mkdir(mode=0o700)
        for name, (inode, is_folder) in self._names.get(number, {}).items():
            if is_folder:
                self._write(inode, target / name)
            else:
                (target / name).write_bytes(self._content.get(inode, b""))
