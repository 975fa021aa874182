"""The Candid interface of the management canister, which is a file of this package.

Interface specification, "The IC management canister: interface".
"""

from __future__ import annotations

from functools import cache


@cache
def management_interface() -> str:
    """Return the text of `management.did`. Both ends of the wire parse it."""
    from importlib.resources import files  # lazy: start-up time  # noqa: PLC0415

    return files(__package__).joinpath("management.did").read_text(encoding="utf-8")
