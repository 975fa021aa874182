"""Finding files: folders with all that is in them, patterns, single files; each hashed, none sent.

A folder is walked without following links to folders, so a loop of links ends. Sidecars (`.xmp`, `.aae`, hidden
files) are left out by name and counted, as are files of kinds that are not stored. A file that was named by itself is
never left out silently: when it cannot be stored it becomes a dead letter.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Final

from ic_capsule.uploads import Kind, has_signature, is_sidecar, is_sidecar_folder, known_kind
from ic_harness.errors import InputError
from ic_harness.text import clean, readable

from .ledger import Ledger
from .records import FileRow, NewFile

_BLOCK: Final = 1 << 20
_BATCH: Final = 200
_NO_KIND: Final = Kind("document", "application/octet-stream")


@dataclass(slots=True)
class Scanned:
    """What a scan came across: counts of files, and paths that were left out by reason."""

    found: int = 0
    new: int = 0
    duplicates: int = 0
    unchanged: int = 0
    bytes: int = 0
    invalid: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, reason: str) -> None:
        """Count a file that is not added."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


Told = Callable[[Scanned], None]


def add_paths(
    ledger: Ledger,
    paths: Iterable[str | os.PathLike[str]],
    *,
    tags: tuple[str, ...] = (),
    priority: int = 0,
    told: Told | None = None,
) -> Scanned:
    """Add files, folders and patterns to a ledger; `told` is called after each batch.

    Raises `InputError` when a path does not exist or a pattern matches nothing; nothing is added then.
    """
    names = [name for path in paths for name in _expanded(path)]
    scanned = Scanned()
    batch: list[NewFile] = []
    for path, named in _walk(names, scanned):
        found = _look(ledger, path, tags, named=named, scanned=scanned)
        if found is not None:
            batch.append(found)
        if len(batch) >= _BATCH:
            _add(ledger, batch, priority, scanned, told)
    _add(ledger, batch, priority, scanned, told)
    return scanned


def look_again(ledger: Ledger, file: FileRow) -> FileRow:
    """Look once more at a file that could not be added; one that can be stored by now is in the ledger afterwards.

    Raises `InputError` with the reason when it still cannot be.
    """
    found = _look(ledger, Path(os.fsdecode(file.path)), file.tags, named=True, scanned=Scanned())
    if found is None or found.problem:
        raise InputError(found.problem if found is not None else f"{file.name} cannot be stored")
    ledger.replace(file.id, found)
    return ledger.file(file.id)


def _add(ledger: Ledger, batch: list[NewFile], priority: int, scanned: Scanned, told: Told | None) -> None:
    new, twice = ledger.add(batch, priority)
    scanned.new += new
    scanned.duplicates += twice
    scanned.unchanged += len(batch) - new
    batch.clear()
    if told is not None:
        told(scanned)


def _expanded(path: str | os.PathLike[str]) -> list[Path]:
    """A path as it is, or what it matches as a pattern."""
    text = os.fspath(path)
    if os.path.lexists(text):
        return [Path(text)]
    if not glob.has_magic(text):
        raise InputError(f"there is no file or folder {readable(text)}")
    found = [Path(name) for name in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207 - also absolute ones
    if not found:
        raise InputError(f"nothing matches {readable(text)}")
    return found


def _walk(names: Iterable[Path], scanned: Scanned) -> Iterator[tuple[Path, bool]]:
    """Files, and whether each was named by itself."""
    for name in names:
        if not name.is_dir():
            yield name.absolute(), True
            continue
        for folder, folders, files in os.walk(
            name.absolute(), onerror=lambda _: scanned.leave_out("folder not readable")
        ):
            folders[:] = sorted(inner for inner in folders if not is_sidecar_folder(inner))
            for file in sorted(files):
                yield Path(folder, file), False


@dataclass(frozen=True, slots=True)
class _Looking:
    """One file that is looked at; `named` tells that it was given by itself, not found in a folder."""

    path: Path
    tags: tuple[str, ...]
    named: bool
    scanned: Scanned


def _look(
    ledger: Ledger, path: Path, tags: tuple[str, ...], *, named: bool, scanned: Scanned
) -> NewFile | None:
    """A file as it is added; None for one that is left out, or known and unchanged."""
    if not named and is_sidecar(path):
        scanned.leave_out("sidecar or hidden file")
        return None
    look = _Looking(path, tags, named, scanned)
    try:
        # Not blocking: opening a named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            return _read(ledger, file, look)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _invalid(look, f"cannot be read: {reason}")


def _read(ledger: Ledger, file: BufferedReader, look: _Looking) -> NewFile | None:
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        return _other(look, "is not a regular file")
    start = file.read(16)
    kind = known_kind(look.path, start)
    if kind is None:
        return _other(look, "is of no kind that is stored")
    look.scanned.found += 1
    look.scanned.bytes += facts.st_size
    if not start:
        return _invalid(look, "is empty", kind)
    if not has_signature(kind, start):
        return _invalid(look, f"is not an image: its first bytes are not those of {kind.mime}", kind)
    if _unchanged(ledger, look.path, facts):
        look.scanned.unchanged += 1
        return None
    return _hashed(file, facts, kind, look)


def _hashed(file: BufferedReader, facts: os.stat_result, kind: Kind, look: _Looking) -> NewFile:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").digest()
    after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (facts.st_size, facts.st_mtime_ns):
        return _invalid(look, "was changed while it was read: add it again", kind)
    return NewFile(
        path=os.fsencode(look.path),
        name=clean(readable(look.path.name)),
        size=facts.st_size,
        mtime_ns=max(0, facts.st_mtime_ns),
        sha256=digest,
        kind=kind.name,
        mime=kind.mime,
        tags=look.tags,
    )


def _unchanged(ledger: Ledger, path: Path, facts: os.stat_result) -> bool:
    known = ledger.file_at(os.fsencode(path))
    return (
        known is not None
        and known.sha256 is not None
        and (known.size, known.mtime_ns) == (facts.st_size, max(0, facts.st_mtime_ns))
    )


def _other(look: _Looking, reason: str) -> NewFile | None:
    if look.named:
        return _invalid(look, reason)
    look.scanned.leave_out(reason.removeprefix("is "))
    return None


def _invalid(look: _Looking, reason: str, kind: Kind = _NO_KIND) -> NewFile:
    look.scanned.invalid += 1
    return NewFile(
        path=os.fsencode(look.path),
        name=clean(readable(look.path.name)),
        size=0,
        mtime_ns=0,
        sha256=None,
        kind=kind.name,
        mime=kind.mime,
        tags=look.tags,
        problem=f"{readable(look.path)} {reason}",
    )
