"""`ic-harness repl`: a Python prompt with the network, the caller and the canisters of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .connection import ConnectionOptions
from .examples import examples
from .options import complete_later, connection_options

if TYPE_CHECKING:
    from .repl_names import Bindings
    from .session import Session


@examples("ic-harness repl", "ic-harness repl --wasm counter.wasm.gz -c 'counter.increment()'")
@click.command()
@click.option("--command", "-c", metavar="CODE", help="Run CODE instead of opening a prompt.")
@click.option("--deploy", is_flag=True, help="Deploy the canisters of the project first.")
@click.option(
    "--wasm",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Deploy this Wasm first, by the file's name.",
)
@click.option("--candid", type=click.Path(path_type=Path), metavar="DID", help="Interface, for --wasm.")
@click.option("--argument", metavar="TEXT", help="Arguments of its init, such as '(42)'.")
@click.option(
    "--canister-id",
    "canister_ids",
    multiple=True,
    metavar="[NAME=]ID",
    shell_complete=complete_later("canisters"),
    help="A further canister by id or name. May be given several times.",
)
@click.option("--plain", is_flag=True, help="Use Python's own prompt even where IPython is installed.")
@connection_options
@click.pass_context
def repl(
    context: click.Context,
    *,
    command: str | None,
    deploy: bool,
    wasm: Path | None,
    candid: Path | None,
    argument: str | None,
    canister_ids: tuple[str, ...],
    plain: bool,
    connection: ConnectionOptions,
) -> None:
    """Open a Python prompt where `network`, `identity` and the canisters of the project are variables.

    Canisters are those of the dfx.json or icp.yaml in this folder and those that were deployed by name from here.
    The prompt is IPython's where that is installed. `await` works, also with --command, which prints the value
    of its last expression. Exit status of --command: 0 done, 1 an error, 2 no Python.
    """
    from .repl_names import Bindings  # lazy: start-up time  # noqa: PLC0415
    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    if wasm is None and (candid is not None or argument is not None) and not deploy:
        raise click.UsageError("--candid and --argument need --wasm")
    with open_session(connection) as session:
        bindings = Bindings(session)
        bindings.add_project()
        if deploy or wasm is not None:
            _deploy(bindings, session, wasm, candid, argument)
        for text in canister_ids:
            bindings.add_text(text)
        context.exit(_run(bindings, command, plain=plain))


def _deploy(
    bindings: Bindings, session: Session, wasm: Path | None, candid: Path | None, argument: str | None
) -> None:
    from .deploy_run import Deployment, Wishes  # lazy: start-up time  # noqa: PLC0415
    from .deploy_sources import from_file, from_project  # lazy: start-up time  # noqa: PLC0415
    from .repl_names import project_network, service_of  # lazy: start-up time  # noqa: PLC0415

    source = (
        from_file(wasm, ())
        if wasm is not None
        else from_project((), network=project_network(session), environment=None, build=True)
    )
    service = None if wasm is None else service_of(wasm, candid)
    wishes = Wishes(mode="auto", argument=argument, candid=candid)
    for installed in Deployment(session, source, wishes).run():
        bindings.add(installed.name, installed.canister, service)


def _run(bindings: Bindings, command: str | None, *, plain: bool) -> int:
    from .repl_prompt import open_prompt, run_code  # lazy: start-up time  # noqa: PLC0415

    if command is not None:
        return run_code(command, bindings.variables)
    return open_prompt(bindings.variables, bindings.banner(), plain=plain)
