"""The file `ic-harness.toml` of a project: read here for the command line and the pytest plugin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.suggestions import suggest
from ic_harness.text import one_line, read_text

PROJECT_FILE: Final = "ic-harness.toml"


def read_project_file(folder: Path) -> dict[str, Any] | None:
    """Read the file in `folder`; None without one. Raises `InputError` for a file that is no TOML."""
    path = folder / PROJECT_FILE
    try:
        text = read_text(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    return _parse(path, text)


def _parse(path: Path, text: str) -> dict[str, Any]:
    import tomllib  # lazy: start-up time  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of too many digits, and deep nesting
        raise InputError(f"{path} is no TOML: {error}") from error


def read_table(folder: Path, name: str, known: Collection[str]) -> dict[str, Any]:
    """Read one table of the file in `folder`; empty where there is none.

    Raises `InputError` for a file that is no TOML, and for a key that is not `known`.
    """
    table = (read_project_file(folder) or {}).get(name, {})
    if not isinstance(table, dict):
        raise InputError(
            f"{PROJECT_FILE}: {name} must be a table, [{name}], with the keys {', '.join(known)}"
        )
    check_table(table, known, f"[{name}]")
    return table


def check_table(table: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """Raise `InputError` for a key of `table` that is not `known`; `where` is such as `[gas]`."""
    for key in table:
        if key.replace("-", "_") not in {name.replace("-", "_") for name in known}:
            names = [name.replace("_", "-") for name in known]
            place = f"{PROJECT_FILE}: {where} has" if where else f"{PROJECT_FILE} has"
            raise InputError(f"{place} no key {one_line(key)!r}; {suggest(key, names)}")
