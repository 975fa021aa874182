"""`ic-harness pocket-ic`: PocketIC's REST interface without PocketIC's server."""

from __future__ import annotations

from pathlib import Path

import click

from ic_harness.pocket_ic.environment import ICP_VARIABLE
from ic_harness.text import readable

from .examples import examples
from .groups import SuggestingGroup


@examples("ic-harness pocket-ic serve --port 8081")
@click.group(name="pocket-ic", cls=SuggestingGroup)
def pocket_ic() -> None:
    """Serve the interface of PocketIC, for suites that are written for its clients."""


@examples("ic-harness pocket-ic serve --port 8081")
@pocket_ic.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; 0 takes a free one."
)
@click.option(
    "--icp",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar=ICP_VARIABLE,
    metavar="FOLDER",
    help="Folder with modules of ICP's own canisters, for icp_features.",
)
def serve(*, port: int, icp: Path | None) -> None:
    """Serve until Ctrl-C or SIGTERM; the first line says where. Listens on 127.0.0.1 only."""
    from ic_harness.pocket_ic import ServerOptions, run  # lazy: start-up time  # noqa: PLC0415

    options = ServerOptions(port=port, ttl_s=None, icp_folder=icp)
    run(options, on_ready=lambda url: click.echo(f"serving PocketIC's interface at {url}  (Ctrl-C stops)"))


@examples("ic-harness pocket-ic install node_modules/@dfinity/pic")
@pocket_ic.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def install(*, folder: Path) -> None:
    """Write the executable `pocket-ic` into FOLDER, for clients that start a server by themselves."""
    from ic_harness.pocket_ic import install as write  # lazy: start-up time  # noqa: PLC0415

    target = readable(write(folder).resolve())
    click.echo(f"{target}\nClients find it by POCKET_IC_BIN={target}")
