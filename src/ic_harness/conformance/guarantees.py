"""The catalogue of guarantees: what a capsule backend promises, as data.

`guarantees.toml` has the promises, `remedies.toml` for each of them what a violation means and how to repair it.
A guarantee is a statement that a black-box test over the Candid interface can prove or refute on any backend.
`needs` says what the network must offer beyond calls; a check whose need is not met is skipped by name, never
counted as passed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

CRATE: Final = "src/backend/src"
"""Where the sources of the reference backend are in the repository."""


class Severity(Enum):
    """What it means for users when a guarantee is broken."""

    CRITICAL = "C"
    """Data is lost, or somebody is let in who does not belong."""
    HIGH = "H"
    MEDIUM = "M"
    LOW = "L"


class Need(Enum):
    """What a check needs of the network beyond calls."""

    TWO = "two"
    """Two identities."""
    UPGRADE = "upgrade"
    """`install_code` in mode upgrade."""
    TIME = "time"
    """A clock that can be moved."""
    ROUND = "round"
    """Several messages executed in one round."""
    STABLE = "stable"
    """A look at the canister's stable memory."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One row of the catalogue. `id` such as `UC4`, `area` the chapter, `text` the promise itself.

    `means` says what a user meets when it is broken, `fix` how a developer repairs that. `pattern` names where the
    reference backend does it: `file::function`, relative to the repository.
    """

    id: str
    area: str
    text: str
    severity: Severity
    needs: frozenset[Need]
    means: str = ""
    fix: str = ""
    pattern: tuple[str, ...] = ()


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
    return tomllib.loads(files("ic_harness.conformance").joinpath(name).read_text(encoding="utf-8"))


GUARANTEES: Final[Mapping[str, Guarantee]] = MappingProxyType(_load())
"""All guarantees by id, in the order of the catalogue."""
