"""Which commands there are: those of this package, and those of others by the entry-point group `ic_harness.commands`.

    [project.entry-points."ic_harness.commands"]
    upload = "ic_capsule.cli:UPLOAD"

The object is a `CommandEntry`. It is imported for `--help` and when the command runs, so its module must be light; the
command's own module loads only when the command runs.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final, NamedTuple

from ic_harness.errors import InputError
from ic_harness.text import one_line

GROUP: Final = "ic_harness.commands"
"""The entry-point group."""


class CommandEntry(NamedTuple):
    """Where a command is, its line in `--help`, and the commands of a group.

    `target` is `module:attribute` of a `click.Command`. `section` is the heading under which `--help` lists it.
    """

    target: str
    summary: str
    commands: tuple[str, ...] = ()
    section: str = "Commands"


_CLI: Final = "ic_harness.cli"
OWN: Final = {
    "replica": CommandEntry(
        f"{_CLI}.replica:replica", "Serve the embedded Internet Computer on this machine.", ("start",)
    ),
    "call": CommandEntry(f"{_CLI}.call:call", "Call a canister's method with textual Candid."),
    "deploy": CommandEntry(
        f"{_CLI}.deploy:deploy", "Install canisters: those of a dfx.json, a Wasm, or a bundled one."
    ),
    "gate": CommandEntry(f"{_CLI}.gate:gate", "Decide whether a canister may be deployed, and tell why not."),
    "bindgen": CommandEntry(f"{_CLI}.bindgen:bindgen", "Write a typed Python client for a Candid interface."),
    "identity": CommandEntry(
        f"{_CLI}.identity:identity",
        "Tell which identities there are, and their principals.",
        ("principal", "show", "list"),
    ),
    "doctor": CommandEntry(
        f"{_CLI}.doctor:doctor", "Tell which networks can be used here, and why others cannot."
    ),
    "completion": CommandEntry(
        f"{_CLI}.completion:completion", "Print what lets a shell complete commands and names."
    ),
}
"""The commands of this package, in the order of a first use."""


def command_names() -> list[str]:
    """Return the name of every command, without loading those of other packages."""
    return [*OWN, *_points()]


def find_command(name: str) -> CommandEntry | None:
    """Return the entry of the command `name`; None where there is none.

    Raises `InputError` for an entry point that cannot be loaded.
    """
    if name in OWN:
        return OWN[name]
    point = _points().get(name)
    return None if point is None else _loaded(point)


def known_commands() -> dict[str, CommandEntry]:
    """Return every command by name. Raises `InputError` for an entry point that cannot be loaded."""
    return OWN | {name: _loaded(point) for name, point in _points().items()}


@cache
def _points() -> dict[str, EntryPoint]:
    """The entry points of other packages, which cannot replace a command of this one."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in OWN}


def _loaded(point: EntryPoint) -> CommandEntry:
    where = f"the command {one_line(point.name)!r} ({one_line(point.value)})"
    try:
        entry = point.load()
    except Exception as error:
        raise InputError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(entry, CommandEntry):
        raise InputError(
            f"{where} must be an ic_harness.cli.entries.CommandEntry, not {type(entry).__name__}"
        )
    return entry
