"""Files that others wrote, in the archives of the judges; a test whose archive is missing is skipped by name."""

from __future__ import annotations

import os
import tarfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).resolve().parents[1]
_JUDGES: Final = Path(os.environ.get("IC_HARNESS_JUDGES") or _ROOT.parent / "shared" / "judges")


@cache
def judge_file(judge: str, name: str) -> bytes:
    """Return a file of the archive of a judge, such as `pocketic-py`, by its path in the archive."""
    archives = sorted(_JUDGES.glob(f"{judge}-*.tar.xz"))
    if not archives:
        pytest.skip(f"{name} of {judge}-*.tar.xz is not in {_JUDGES} (IC_HARNESS_JUDGES names another place)")
    with tarfile.open(archives[-1]) as archive:
        member = archive.extractfile(name)
        assert member is not None, f"{name} of the archive is no file"
        return member.read()
