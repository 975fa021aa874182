"""What the page's server is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ic_capsule.bulk.buckets import CAPACITY, PER_MINUTE

SLOT_S: Final = 300.0
MAX_FILE: Final = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """Options of the page's server.

    `spool` is the folder that takes dropped files. With `token` a caller must know it; without one the server answers
    on loopback names only. `capacity` and `per_minute` limit the uploads of a user, `capacity` 0 sets no limit.
    A slot is open for `slot_s` seconds. `max_file` is the largest file, in bytes. `clock` returns seconds since 1970.
    """

    ledger: Path
    spool: Path
    token: str | None = None
    capacity: int = CAPACITY
    per_minute: float = PER_MINUTE
    slot_s: float = SLOT_S
    max_file: int = MAX_FILE
    idle_s: float = 300.0
    clock: Callable[[], float] = time.time
