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

from .config import load_defaults
from .entries import command_names, find_command, known_commands
from .failures import BadInput, Interrupted, failure, report


class Commands(click.Group):
    """The group that loads a command when it is needed and turns errors into one line and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command without loading any."""
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
        """Run the command; an error on purpose ends as one line."""
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


@click.group(
    name="ic-harness",
    cls=Commands,
    context_settings={"auto_envvar_prefix": "IC_HARNESS", "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ic-harness")
@click.pass_context
def commands(context: click.Context) -> None:
    """Test Internet Computer canisters from Python: a local network, uploads, calls, typed clients.

    Defaults of options can stand in ic-harness.toml of the current folder, or in environment variables such
    as IC_HARNESS_NETWORK. Exit status: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted.
    """
    name = context.invoked_subcommand
    entry = find_command(name) if name is not None else None
    if name is not None and entry is not None:
        context.default_map = load_defaults({name: entry.commands})


def main() -> None:
    """Run the command line of this process. Never returns."""
    commands.main(prog_name="ic-harness")
