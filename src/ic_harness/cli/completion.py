"""`ic-harness completion`: the script with which a shell completes commands, options and their values.

Completions run at every Tab, so they read files only, never a network; an unreadable file completes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from .examples import examples

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = "ic-harness"
SHELLS: Final = ("bash", "zsh", "fish")


@examples("ic-harness completion bash")
@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash  eval "$(ic-harness completion bash)"               in ~/.bashrc
    zsh   eval "$(ic-harness completion zsh)"                in ~/.zshrc
    fish  ic-harness completion fish > ~/.config/fish/completions/ic-harness.fish
    """  # noqa: D301 - click reads the backspace: what follows keeps its lines
    kind = get_completion_class(shell)
    assert kind is not None, "bug: click knows these shells"
    script = kind(context.find_root().command, {}, PROGRAM, "_IC_HARNESS_COMPLETE")
    # Not `source()`, which starts a shell to ask for its version.
    click.echo(script.source_template % script.source_vars())


def networks(_context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a network."""
    from ic_harness.networks import STARTED, network_names  # lazy: start-up time  # noqa: PLC0415

    return _beginning(typed, [*network_names(), *STARTED])


def identities(_context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete an identity of dfx or icp-cli, or a key file."""
    from .identities import stored_identities  # lazy: start-up time  # noqa: PLC0415

    names = _beginning(typed, ["anonymous", *stored_identities(os.environ)])
    return names or [CompletionItem(typed, type="file")]


def canisters(context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a canister in the registry."""
    return _beginning(typed, _remembered(context))


def methods(context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a method of the interface that `--candid` names, or of a bundled canister by its name."""
    from ic_harness.errors import HarnessError  # lazy: start-up time  # noqa: PLC0415

    try:
        return _beginning(typed, sorted(_methods(context)))
    except HarnessError:
        return []


def _methods(context: click.Context) -> Iterable[str]:
    from ic_harness.bundled import bundled_canisters  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.candid import parse  # lazy: start-up time  # noqa: PLC0415

    from .interfaces import interface_file  # lazy: start-up time  # noqa: PLC0415

    given: Path | None = context.params.get("candid")
    if given is not None:
        return interface_file(given).methods
    bundled = bundled_canisters().get(str(context.params.get("canister")))
    return parse(bundled.did()).methods if bundled is not None else ()


def _remembered(context: click.Context) -> Iterable[str]:
    from pathlib import Path  # lazy: start-up time  # noqa: PLC0415

    from ic_harness.errors import StateError  # lazy: start-up time  # noqa: PLC0415

    from .canister_registry import names  # lazy: start-up time  # noqa: PLC0415
    from .connection import STATE_DIR  # lazy: start-up time  # noqa: PLC0415

    try:
        return names(Path(context.params.get("state_dir") or STATE_DIR))
    except StateError:
        return ()


def _beginning(typed: str, words: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(typed)]
