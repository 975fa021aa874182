"""The connection options that commands share: network, identity and state folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ic_harness.lazy_dataclass import dataclass

STATE_DIR: Final = ".ic-harness"
"""The folder, in the current one, with the embedded network, the caller's key and the canister registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """The shared options, as typed."""

    network: str
    identity: str | None
    state_dir: Path
