"""Every method of the interface as data: the arguments of checks, and which roles it must serve or refuse.

`endpoints.toml` is the table; a test compares it with `candid/backend.did`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final


class Access(Enum):
    """Whether a method serves a role."""

    MUST = "must"
    """It is served."""
    NEVER = "never"
    """It is refused."""
    MAY = "may"
    """Either; not tried."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method: its name, kind (a row of the table of roles), arguments with names for values, whether a query."""

    name: str
    kind: str
    arguments: tuple[Any, ...]
    is_query: bool
    answers: Mapping[str, Access]

    @property
    def shows(self) -> bool:
        """Whether the method answers every caller, so that its content decides whether a role was served."""
        return self.kind.startswith("shows")

    def called_with(self, values: Mapping[str, Any]) -> list[Any]:
        """The arguments with `values` put in. Raises `KeyError` for a name that has no value."""
        return [_put_in(argument, values) for argument in self.arguments]


def _put_in(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, tuple):
        return [_put_in(item, values) for item in argument]
    if isinstance(argument, str) and argument.startswith("$"):
        return values[argument[1:]]
    return argument


def _load() -> dict[str, Endpoint]:
    text = files("ic_capsule.suite").joinpath("endpoints.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    kinds = {
        kind: MappingProxyType({role: Access(word) for role, word in row.items()})
        for kind, row in table["kinds"].items()
    }
    return {
        name: Endpoint(
            name=name,
            kind=row["kind"],
            arguments=tuple(tuple(it) if isinstance(it, list) else it for it in row["arguments"]),
            is_query=row.get("query", False),
            answers=kinds[row["kind"]],
        )
        for name, row in table["methods"].items()
    }


ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType(_load())
"""All methods by name, in the order in which an owner can call them all: what destroys comes last."""
ROLES: Final = tuple(next(iter(ENDPOINTS.values())).answers)
"""All roles: owner, five permission bits, subject, controller, stranger, anonymous."""
