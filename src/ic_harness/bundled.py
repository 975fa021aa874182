"""Canisters that installed packages bring along, such as a product's reference canister.

A package names them in the entry-point group `ic_harness.canisters`; each entry point is a `BundledCanister`. Commands
and the pytest plugin use the bundled canister where none was named.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from ic_harness.entry_points import load_entry_point
from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import one_line

GROUP: Final = "ic_harness.canisters"
"""The entry-point group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledCanister:
    """A canister that a package brings along; light to import, because every one is looked at.

    `name` is what it is deployed as, `title` how sentences call it. `place` names it in reproductions. `wasm` returns
    the module (plain or gzip), `did` the Candid interface; both raise `InputError` when the file is missing.
    """

    name: str
    title: str
    place: str
    wasm: Callable[[], bytes]
    did: Callable[[], str]


@cache
def bundled_canisters() -> dict[str, BundledCanister]:
    """Return all bundled canisters by name. Raises `InputError` for an entry point that cannot be loaded."""
    from importlib.metadata import entry_points  # lazy: 20 ms, and not all ask  # noqa: PLC0415

    points = entry_points(group=GROUP)
    found = [load_entry_point(point, "canister", BundledCanister) for point in points]
    return {canister.name: canister for canister in found}


def default_canister() -> BundledCanister | None:
    """Return the canister to use where none was named: the only bundled one, None without any.

    Raises `InputError` when there are several.
    """
    found = list(bundled_canisters().values())
    if len(found) > 1:
        names = ", ".join(one_line(canister.name) for canister in found)
        raise InputError(f"several canisters are bundled with what is installed ({names}): name a Wasm")
    return found[0] if found else None
