"""Defaults of options from `ic-harness.toml` in the current folder.

Top-level keys are defaults of every command, a table named like a command overrides them for that one (of a
group for all its commands):

    network = "http://127.0.0.1:4943"
    identity = "me.pem"

    [upload]
    capsule = "capsule_1"

Environment variables and options on the command line win over the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.text import one_line

CONFIG_FILE: Final = "ic-harness.toml"


def load_defaults(
    commands: Mapping[str, Sequence[str]], folder: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Read the defaults of each command from the file in `folder` (the current one); empty without a file.

    `commands` maps names to the commands of a group; defaults of those are nested as `click` wants them.
    Raises `InputError` when the file is no TOML.
    """
    read = _read(folder)
    if read is None:
        return {}
    everywhere, tables = read
    found = {name: everywhere | tables.get(name, {}) for name in commands}
    return {name: own | dict.fromkeys(commands[name], own) for name, own in found.items()}


def check_keys(command: str, known: Collection[str], folder: Path | None = None) -> None:
    """Raise `InputError` for a key in the command's table of the file that is not `known`, which does nothing."""
    _, tables = _read(folder) or ({}, {})
    for key in tables.get(command, {}):
        if key not in known:
            names = ", ".join(sorted(name.replace("_", "-") for name in known))
            raise InputError(f"{CONFIG_FILE}: [{command}] has no key {one_line(key)!r}; there are: {names}")


def _read(folder: Path | None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]] | None:
    """Read the keys of every command, and the tables; None without a file."""
    path = (folder or Path()) / CONFIG_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    return _split(_parse(path, text))


def _parse(path: Path, text: str) -> dict[str, Any]:
    import tomllib  # lazy: start-up time  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of too many digits, and deep nesting
        raise InputError(f"{path} is no TOML: {error}") from error


def _split(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    named = {key.replace("-", "_"): value for key, value in data.items() if not isinstance(value, dict)}
    tables = {
        key: {option.replace("-", "_"): value for option, value in table.items()}
        for key, table in data.items()
        if isinstance(table, dict)
    }
    return named, tables
