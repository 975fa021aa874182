"""The guarantees of a capsule backend.

`guarantees.toml` has the promises, `remedies.toml` for each of them what a violation means and how to repair it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from ic_harness.testing.guarantees import Guarantee, Need, Severity

CRATE: Final = "src/backend/src"
"""Where the sources of the reference backend are in the repository."""


def _load() -> dict[str, Guarantee]:
    remedies = _table("remedies.toml")
    return {
        id_: Guarantee(
            id=id_,
            area=row["area"],
            text=" ".join(row["text"].split()),
            severity=Severity(row["severity"]),
            needs=frozenset(Need(need) for need in row["needs"]),
            means=remedies[id_]["means"],
            fix=remedies[id_]["fix"],
            pattern=tuple(f"{CRATE}/{place}" for place in remedies[id_]["pattern"]),
        )
        for id_, row in _table("guarantees.toml").items()
    }


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("ic_capsule.suite").joinpath(name).read_text(encoding="utf-8"))


GUARANTEES: Final[Mapping[str, Guarantee]] = MappingProxyType(_load())
"""All guarantees by id, in the order of the catalogue."""
