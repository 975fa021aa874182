"""The options of the command `gate`, as they were typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ic_harness.lazy_dataclass import dataclass

from .connection import ConnectionOptions


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of the command as they were typed; `accepted` is the table of `ic-harness.toml`."""

    connection: ConnectionOptions
    accepted: Any
    wasm: Path | None
    candid: Path | None
    argument: str | None
    canister_id: str | None
    baseline: str | None
    baseline_candid: Path | None
    passphrase_file: Path | None
    accept: tuple[str, ...]
    budget: float
    suite: str | None
    module: tuple[str, ...]
    guarantees: tuple[str, ...]
    volatile: tuple[str, ...]
    upgrade_argument: str | None
