"""Defaults of options from `ic-harness.toml` in the current folder.

Top-level keys are defaults of every command, a table named like a command overrides them for that one (of a
group for all its commands):

    network = "http://127.0.0.1:4943"
    identity = "me.pem"

    [upload]
    capsule = "capsule_1"

Environment variables and options on the command line win over the file. A key or table that does nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.project_file import PROJECT_FILE, check_table, read_project_file

CONFIG_FILE: Final = PROJECT_FILE
PLUGIN_TABLES: Final = ("gas", "icp")
"""Tables that the pytest plugin reads, and `icp` also for served networks."""
_COMMON: Final = frozenset({"network", "identity", "state_dir"})
"""Options of nearly every command, which are known without loading another one."""


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


def check_config(
    command: str,
    option_names: Callable[[str], Mapping[str, str]],
    commands: Callable[[], Collection[str]],
    folder: Path | None = None,
) -> None:
    """Raise `InputError` for a table or a key of the file that does nothing, as far as it concerns `command`.

    `option_names` returns the keys that a command takes, `commands` all commands. A key outside of tables must be
    one of any of them; the others load only for a key that `command` does not have.
    """
    read = _read(folder)
    if read is None:
        return
    everywhere, tables = read
    check_table(dict.fromkeys(tables), [*commands(), *PLUGIN_TABLES])
    own = option_names(command)
    check_table(tables.get(command, {}), own, f"[{command}]")
    foreign = {key: value for key, value in everywhere.items() if key not in own and key not in _COMMON}
    if foreign:
        check_table(foreign, {*_COMMON, *(key for name in commands() for key in option_names(name))})


def _read(folder: Path | None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]] | None:
    """Read the keys of every command, and the tables; None without a file."""
    data = read_project_file(folder or Path())
    return None if data is None else _split(data)


def _split(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    named = {key.replace("-", "_"): value for key, value in data.items() if not isinstance(value, dict)}
    tables = {
        key: {option.replace("-", "_"): value for option, value in table.items()}
        for key, table in data.items()
        if isinstance(table, dict)
    }
    return named, tables
