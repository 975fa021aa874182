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
from typing import Any, Final, NamedTuple

import click

from ic_harness import __version__
from ic_harness.errors import HarnessError

from .config import load_defaults
from .failures import BadInput, Interrupted, failure, report


class Entry(NamedTuple):
    """Where a command lives (a module of this package), its line in `--help`, and the commands of a group."""

    module: str
    summary: str
    commands: tuple[str, ...] = ()


COMMANDS: Final = {
    "upload": Entry("upload", "Store photos: original, display, thumbnail and placeholder."),
    "bulk": Entry(
        "bulk_group",
        "Upload folders with thousands of files, and account for every one.",
        ("add", "run", "status", "retry", "report", "serve", "search"),
    ),
    "download": Entry("download", "Write a stored photo or blob to a file."),
    "replica": Entry("replica", "Serve the embedded Internet Computer on this machine.", ("start",)),
    "call": Entry("call", "Call a canister's method with textual Candid."),
    "bindgen": Entry("bindgen", "Write a typed Python client for a Candid interface."),
    "deploy": Entry("deploy", "Install canisters: those of a dfx.json, a Wasm, or the backend."),
    "gate": Entry("gate", "Decide whether a canister may be deployed, and tell why not."),
    "identity": Entry(
        "identity",
        "Tell which identities there are, and their principals.",
        ("principal", "show", "list"),
    ),
    "doctor": Entry("doctor", "Tell which networks can be used here, and why others cannot."),
    "completion": Entry("completion", "Print what lets a shell complete commands and names."),
}
"""Every command, in the order of a first use."""


class Commands(click.Group):
    """The group that loads a command when it is needed and turns errors into one line and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command without loading any."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f"{__package__}.{entry.module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands for `--help` without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

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
    context.default_map = load_defaults({name: entry.commands for name, entry in COMMANDS.items()})


def main() -> None:
    """Run the command line of this process. Never returns."""
    commands.main(prog_name="ic-harness")
