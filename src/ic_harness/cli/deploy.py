"""`ic-harness deploy`: canisters of a project, a Wasm file, or the reference backend onto a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_harness.text import one_line

from .connection import ConnectionOptions
from .examples import examples
from .options import connection_options, json_option

if TYPE_CHECKING:
    from .deploy_run import Installed

MODES: Final = ("auto", "install", "reinstall", "upgrade")


@examples("ic-harness deploy", "ic-harness deploy counter --wasm counter.wasm.gz --argument '(42)'")
@click.command()
@click.argument("names", nargs=-1)
@click.option("--wasm", type=click.Path(path_type=Path), metavar="FILE", help="Install this Wasm instead.")
@click.option("--candid", type=click.Path(path_type=Path), metavar="DID", help="Interface, for --argument.")
@click.option("--argument", default=None, metavar="TEXT", help="Arguments of init, such as '(42)'.")
@click.option("--mode", type=click.Choice(MODES), default="auto", show_default=True, help="How to install.")
@click.option("--no-build", is_flag=True, help="Install existing files without running build commands.")
@click.option("--environment", metavar="NAME", help="Environment of icp.yaml; without it local, or ic on ic.")
@click.option("--run-scripts", is_flag=True, help="Run pre_install, post_install and sync commands too.")
@connection_options
@json_option
def deploy(
    *,
    names: tuple[str, ...],
    wasm: Path | None,
    candid: Path | None,
    argument: str | None,
    mode: str,
    no_build: bool,
    environment: str | None,
    run_scripts: bool,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    r"""Install the canisters NAMES of the dfx.json or icp.yaml in this folder (all of them without NAMES).

    With --wasm one canister of that name is installed from a file; without either, the reference backend.
    Mode auto upgrades a canister that is there and installs one that is not. A deploy that failed half way
    continues when the same command runs again.
    """
    from ic_harness.networks import MAINNET  # lazy: start-up time  # noqa: PLC0415

    from .deploy_run import Deployment, Wishes  # lazy: start-up time  # noqa: PLC0415
    from .deploy_sources import from_file, from_project  # lazy: start-up time  # noqa: PLC0415
    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    network = MAINNET if connection.network == MAINNET else "local"
    source = (
        from_file(wasm, names)
        if wasm
        else from_project(names, network=network, environment=environment, build=not no_build)
    )
    wishes = Wishes(mode=mode, argument=argument, candid=candid, run_scripts=run_scripts)
    with open_session(connection) as session:
        for installed in Deployment(session, source, wishes).run():
            _report(installed, as_json=as_json)


def _report(installed: Installed, *, as_json: bool) -> None:
    if as_json:
        shown = {"name": installed.name, "canister_id": str(installed.canister), "mode": installed.mode}
        click.echo(json.dumps(shown))
    else:
        click.echo(f"{one_line(installed.name)}: {installed.canister} ({installed.mode})")
