"""The registry of commands: those of this package, and those of the entry-point group `ic_harness.commands`.

    [project.entry-points."ic_harness.commands"]
    upload = "ic_capsule.cli:UPLOAD"

The object is a `CommandEntry`. It is imported for `--help` and when the command runs, so its module must be light; the
command's own module loads only when the command runs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "ic_harness.commands"
"""The entry-point group."""


class CommandEntry(NamedTuple):
    """The location of a command, its line in `--help`, and the commands of a group.

    `target` is `module:attribute` of a `click.Command`. `section` is the heading under which `--help` lists it.
    `tables` are tables that the command reads from its own table of ic-harness.toml, besides its options.
    """

    target: str
    summary: str
    commands: tuple[str, ...] = ()
    section: str = "Commands"
    tables: tuple[str, ...] = ()


_CLI: Final = "ic_harness.cli"
OWN: Final = {
    "replica": CommandEntry(
        f"{_CLI}.replica:replica", "Serve the embedded Internet Computer on this machine.", ("start",)
    ),
    "call": CommandEntry(f"{_CLI}.call:call", "Call a canister's method with textual Candid."),
    "repl": CommandEntry(
        f"{_CLI}.repl:repl", "Open a Python prompt with the network and its canisters at hand."
    ),
    "deploy": CommandEntry(
        f"{_CLI}.deploy:deploy", "Install canisters: those of a dfx.json, a Wasm, or a bundled one."
    ),
    "snapshot": CommandEntry(
        f"{_CLI}.snapshot:snapshot",
        "Download a canister's snapshot into a folder, or upload one.",
        ("download", "upload", "list"),
    ),
    "fork": CommandEntry(f"{_CLI}.fork:fork", "Download the state of a canister, to run it on this machine."),
    "gate": CommandEntry(
        f"{_CLI}.gate:gate",
        "Decide whether a canister may be deployed, and say why not.",
        tables=("accepted",),
    ),
    "fuzz": CommandEntry(f"{_CLI}.fuzz:fuzz", "Call a canister in random sequences, and check invariants."),
    "bindgen": CommandEntry(f"{_CLI}.bindgen:bindgen", "Write a typed Python client for a Candid interface."),
    "identity": CommandEntry(
        f"{_CLI}.identity:identity",
        "Tell which identities there are, and their principals.",
        ("principal", "show", "list"),
    ),
    "replay": CommandEntry(
        f"{_CLI}.replay:replay", "Show the failure of a test again, shorten it, write it as a test."
    ),
    "doctor": CommandEntry(
        f"{_CLI}.doctor:doctor", "Tell which networks can be used here, and why others cannot."
    ),
    "pocket-ic": CommandEntry(
        f"{_CLI}.pocket_ic:pocket_ic",
        "Serve PocketIC's interface, for suites of pic-js and others.",
        ("serve", "install"),
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
    return None if point is None else _load(point)


def known_commands() -> dict[str, CommandEntry]:
    """Return every command by name. Raises `InputError` for an entry point that cannot be loaded."""
    return OWN | {name: _load(point) for name, point in _points().items()}


def _load(point: EntryPoint) -> CommandEntry:
    from ic_harness.entry_points import load_entry_point  # lazy: start-up time  # noqa: PLC0415

    return load_entry_point(point, "command", CommandEntry)


@cache
def _points() -> dict[str, EntryPoint]:
    """The entry points of other packages, which cannot replace a command of this one."""
    from importlib.metadata import entry_points  # lazy: 20 ms, and most commands are ours  # noqa: PLC0415

    return {point.name: point for point in entry_points(group=GROUP) if point.name not in OWN}
