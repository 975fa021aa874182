"""The Candid interface of the management canister, which is a file of this package.

Interface specification, "The IC management canister: interface".
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def management_interface() -> str:
    """Return the text of `management.did`. Both ends of the wire parse it."""
    return Path(__file__).with_name("management.did").read_text(encoding="utf-8")
