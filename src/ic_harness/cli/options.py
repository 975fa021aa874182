"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .connection import STATE_DIR, ConnectionOptions

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_later(name: str) -> Callable[..., list[CompletionItem]]:
    """Return a completion function of `completion` by name; its module is imported at the first use."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        from . import completion  # lazy: start-up time  # noqa: PLC0415

        found: list[CompletionItem] = getattr(completion, name)(context, parameter, typed)
        return found

    return complete


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--network`, `--identity` and `--state-dir`; the command gets them as `connection`."""

    @click.option(
        "--network",
        envvar="IC_HARNESS_NETWORK",
        default="embedded",
        show_default=True,
        metavar="NAME|URL",
        shell_complete=complete_later("networks"),
        help="embedded, dfx, icp (as they run; dfx:start and icp:start start them and stop them again), pocket-ic, "
        "ic, or the URL of a running network.",
    )
    @click.option(
        "--identity",
        envvar="IC_HARNESS_IDENTITY",
        metavar="PEM|NAME",
        shell_complete=complete_later("identities"),
        help="Key file of the caller, or dfx:NAME, icp:NAME, seed:FILE. Without it a key is kept in the state folder.",
    )
    @state_dir_option
    @functools.wraps(command)
    def with_connection(*args: Any, network: str, identity: str | None, state_dir: Path, **rest: Any) -> Any:
        return command(
            *args,
            connection=ConnectionOptions(network=network, identity=identity, state_dir=state_dir),
            **rest,
        )

    return with_connection


state_dir_option = click.option(
    "--state-dir",
    envvar="IC_HARNESS_STATE_DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=STATE_DIR,
    show_default=True,
    metavar="DIR",
    help="Folder of the embedded network, the caller's key and known canisters.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
