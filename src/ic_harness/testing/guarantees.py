"""Catalogues of guarantees: what a kind of canister promises, as data. `load_catalogue` reads one from a file.

A guarantee is a statement that a black-box test over the Candid interface can prove or refute on any backend.
`needs` says what the network must offer beyond calls; a check whose need is not met is skipped by name, never
counted as passed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.suggestions import suggest
from ic_harness.text import one_line

E = TypeVar("E", bound=Enum)


class Severity(Enum):
    """What it means for users when a guarantee is broken."""

    CRITICAL = "C"
    """Data is lost, or a caller without the right to it gets access."""
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
    example of a canister that keeps it does so: `file::function`, relative to its repository.
    """

    id: str
    area: str
    text: str
    severity: Severity
    needs: frozenset[Need]
    means: str = ""
    fix: str = ""
    pattern: tuple[str, ...] = ()


ID: Final = re.compile(r"[A-Z]{1,8}[0-9]{1,4}")
"""What an id looks like: capital letters and a number, such as `UC4` or `W12`."""
_REQUIRED: Final = ("text", "severity")
_KEYS: Final = frozenset({*_REQUIRED, "area", "needs", "means", "fix", "pattern"})
_AREA: Final = "Guarantees"


def load_catalogue(path: Path) -> dict[str, Guarantee]:
    """Read a catalogue of guarantees from a TOML file: one table for each id, in the order of reports.

        [W1]
        area = "Withdrawals"      # the chapter; "Guarantees" without it
        severity = "C"            # C critical, H high, M medium, L low
        text = "A withdrawal is paid once"
        needs = ["upgrade"]       # optional, as are means, fix and pattern

    Raises `InputError` that names the place for a file that cannot be read or a row that does not fit.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, no TOML, numbers of too many digits
        raise InputError(f"{path} is no TOML: {error}") from error
    return {id_: _row(id_, row, f"{path}: {one_line(id_)}") for id_, row in data.items()}


def _row(id_: str, row: object, where: str) -> Guarantee:
    if not ID.fullmatch(id_):
        raise InputError(f"{where} must be an id of capital letters and a number, such as W1")
    if not isinstance(row, dict):
        raise InputError(f"{where} must be a table with: {', '.join(_REQUIRED)}")
    if unknown := sorted(set(row) - _KEYS):
        raise InputError(f"{where} has no key {unknown[0]!r}; {suggest(unknown[0], sorted(_KEYS))}")
    if missing := [key for key in _REQUIRED if key not in row]:
        raise InputError(f"{where} lacks the key {missing[0]!r}")
    return Guarantee(
        id=id_,
        area=_text(row, "area", where, _AREA),
        text=_text(row, "text", where),
        severity=_member(Severity, row["severity"], f"{where}.severity"),
        needs=frozenset(_member(Need, need, f"{where}.needs") for need in _texts(row, "needs", where)),
        means=_text(row, "means", where),
        fix=_text(row, "fix", where),
        pattern=tuple(_texts(row, "pattern", where)),
    )


def _text(row: Mapping[str, Any], key: str, where: str, otherwise: str = "") -> str:
    value = row.get(key, otherwise)
    if not isinstance(value, str) or (key in row and not value.strip()):
        raise InputError(f"{where}.{key} must be a text")
    return " ".join(value.split())


def _texts(row: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = row.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}.{key} must be a list of texts")
    return value


def _member(kind: type[E], value: object, where: str) -> E:
    known = [member.value for member in kind]
    if value not in known:
        raise InputError(f"{where} must be one of {', '.join(known)}, not {one_line(repr(value))}")
    return kind(value)
