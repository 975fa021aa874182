"""Where a command works and as whom: what the shared options add up to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

STATE_DIR: Final = ".ic-harness"
"""The folder, in the current one, that keeps the embedded network and what the command line remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command works and as whom: the shared options, as typed."""

    network: str
    identity: str | None
    state_dir: Path
