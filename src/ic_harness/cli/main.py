"""The group of commands: which there are, where they live, and what becomes of their errors.

A command's module loads only when it is run, so that `ic-harness --help` costs nothing. Whatever a command
raises on purpose ends as one line on standard error and an exit status:

    0    done
    1    it failed: the network, the canister or the upload says no
    2    bad arguments or bad input; nothing was sent or changed
    130  interrupted by Ctrl-C

A bug of ours keeps its traceback.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from ic_harness import __version__
from ic_harness.errors import HarnessError

from .config import check_config, load_defaults
from .entries import command_names, find_command, known_commands
from .errors import BadInput, Interrupted, failure, report
from .examples import examples
from .groups import SuggestingGroup


class Commands(SuggestingGroup):
    """The group that loads a command when it is needed and turns errors into one line and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands without loading any."""
        return command_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        entry = find_command(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands for `--help` without loading any."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in known_commands().items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `HarnessError` ends as one line on standard error."""
        try:
            return super().invoke(ctx)
        except (HarnessError, OSError) as error:
            raise failure(error) from error
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def main(self, args: Sequence[str] | None = None, *_: Any, **options: Any) -> Any:
        """Run with `args` (the process's when None) and leave with the exit status."""
        options["standalone_mode"] = False
        try:
            status = super().main(args, **options)
        except click.exceptions.NoArgsIsHelpError as asked:
            click.echo(asked.format_message())
            sys.exit(BadInput.exit_code)
        except click.ClickException as error:
            sys.exit(report(error))
        sys.exit(status if isinstance(status, int) else 0)


@examples("ic-harness doctor", "ic-harness deploy", "ic-harness call backend whoami")
@click.group(
    name="ic-harness",
    cls=Commands,
    context_settings={"auto_envvar_prefix": "IC_HARNESS", "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ic-harness")
@click.pass_context
def commands(context: click.Context) -> None:
    """Test Internet Computer canisters from Python: a local network, uploads, calls, typed clients.

    Defaults of options are read from ic-harness.toml in the current folder, or from environment variables such
    as IC_HARNESS_NETWORK. Exit status: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted.
    """
    name = context.invoked_subcommand
    entry = find_command(name) if name is not None else None
    if name is not None and entry is not None:
        check_config(name, lambda other: _option_names(context, other), command_names)
        defaults = load_defaults({name: entry.commands})
        names = _option_names(context, name) if defaults else {}
        context.default_map = {name: _by_parameter(own, names) for name, own in defaults.items()}


def _option_names(context: click.Context, name: str) -> dict[str, str]:
    """Return the keys of a command in ic-harness.toml, each with the name of click's parameter; loads the command."""
    group = context.command
    assert isinstance(group, click.Group)
    found, entry = group.get_command(context, name), find_command(name)
    commands = [found] if found is not None else []
    if isinstance(found, click.Group):
        commands += [it for sub in found.list_commands(context) if (it := found.get_command(context, sub))]
    keys = {table: table for table in (entry.tables if entry is not None else ())}
    for parameter in (parameter for command in commands for parameter in command.params):
        keys[str(parameter.name)] = str(parameter.name)
        for option in parameter.opts:
            if option.startswith("--"):
                keys[option[2:].replace("-", "_")] = str(parameter.name)
    return keys


def _by_parameter(defaults: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return defaults by click's names: `json` of the file is the parameter `as_json`."""
    return {
        names.get(key, key): _by_parameter(value, names)
        if isinstance(value, dict) and key not in names
        else value
        for key, value in defaults.items()
    }


def main() -> None:
    """Run the command line of this process. Never returns."""
    # httpx has a command line of its own, which loads rich and Pygments (80 ms). Where its module is missing it goes on
    # without, and this process needs none but ours.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    commands.main(prog_name="ic-harness")
