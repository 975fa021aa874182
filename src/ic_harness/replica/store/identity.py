"""Which state folder, and which generation of it, a file belongs to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ic_harness.lazy_dataclass import dataclass

_NAME: Final = re.compile(r"(checkpoint|journal|committed)-(0|[1-9][0-9]{0,17})(\.new)?")


@dataclass(frozen=True, slots=True)
class Generation:
    """A checkpoint with its journal: random id of the folder (16 bytes), number, digest of the checkpoint."""

    folder_id: bytes
    number: int
    digest: bytes


def checkpoint_path(folder: Path, number: int) -> Path:
    """The folder of a checkpoint."""
    return folder / f"checkpoint-{number}"


def draft_path(folder: Path, number: int) -> Path:
    """The name of a checkpoint until it is complete."""
    return folder / f"checkpoint-{number}.new"


def journal_path(folder: Path, number: int) -> Path:
    """The journal of the rounds since checkpoint `number`."""
    return folder / f"journal-{number}"


def committed_path(folder: Path, number: int) -> Path:
    """The file that says how much of a journal was acknowledged."""
    return folder / f"committed-{number}"


def parse_name(name: str) -> tuple[str, int, bool] | None:
    """Kind, number and whether it is a draft, of a name in a state folder; None for other names."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2]), found[3] is not None) if found else None
