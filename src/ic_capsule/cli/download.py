"""`ic-harness download`: an asset of a memory, or a blob, becomes a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_capsule.assets import ASSETS
from ic_harness.cli.connection import ConnectionOptions
from ic_harness.cli.examples import examples
from ic_harness.cli.options import connection_options, json_option
from ic_harness.text import one_line, readable

from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.backend import Backend

_ASSETS: Final = {name.lower(): name for name in ASSETS}
"""The assets of a memory, by the names that the command takes."""

_EVERY: Final = "all"
_SCHEME: Final = "icp://"
_LOCATOR: Final = "blob_"


@examples("ic-harness download blob_42 -o photo.jpg", "ic-harness download --all -o photos/ --asset original")
@click.command()
@click.argument("what", metavar="MEMORY_ID|LOCATOR", required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; with --all a folder.",
)
@click.option(
    "--asset",
    type=click.Choice((*_ASSETS, _EVERY)),
    default="original",
    show_default=True,
    help="Asset of the memory; with --all also all of them.",
)
@click.option("--all", "everything", is_flag=True, help="Download all memories of the capsule into a folder.")
@click.option("--capsule", metavar="ID", help="Capsule, for --all; without it the caller's own.")
@click.option("--quiet", "-q", is_flag=True, help="Print failures only.")
@canister_id_option
@connection_options
@json_option
@click.pass_context
def download(
    context: click.Context,
    *,
    what: str | None,
    output: Path,
    asset: str,
    everything: bool,
    capsule: str | None,
    quiet: bool,
    canister_id: str | None,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Write an asset of a memory, or the blob that a locator such as blob_42 names, to a file.

    The file appears when all of it has come and is as it was stored; a file that is there is replaced. With --all a
    folder gets a file for each memory, named as it was uploaded as far as every file system takes that. Files that
    are there and right are skipped, so that the same command continues an interrupted one; files with other bytes
    stay, and the asset gets another name beside them. What cannot be downloaded is named, and the rest is
    downloaded; a line about all files ends the command, on standard error. With --json one object a file is printed.
    """
    if everything == (what is not None):
        raise click.UsageError("give either a memory or locator, or --all")
    if not everything and (capsule is not None or asset == _EVERY):
        raise click.UsageError(f"{'--capsule' if capsule is not None else '--asset all'} needs --all")
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    locator = None if what is None else _locator(what)
    with open_session(connection) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        if what is None:
            context.exit(_fetch_all(backend, capsule, output, asset, as_json=as_json, quiet=quiet))
        size = _fetch(backend, what, locator, output, asset)
    if as_json:
        click.echo(json.dumps({"path": readable(output), "bytes": size}))
    elif not quiet:
        click.echo(f"{one_line(str(output))}: {size} bytes")


def _fetch_all(
    backend: Backend, capsule: str | None, output: Path, asset: str, *, as_json: bool, quiet: bool
) -> int:
    from .download_all import DownloadAll  # lazy: start-up time  # noqa: PLC0415

    kinds = tuple(ASSETS) if asset == _EVERY else (_ASSETS[asset],)
    return DownloadAll(folder=output, kinds=kinds, as_json=as_json, quiet=quiet).run(backend, capsule)


def _locator(what: str) -> str | None:
    """Read a locator, or the storage location of one; None for what must be a memory id."""
    from ic_capsule.backend import BlobLocator  # lazy: start-up time  # noqa: PLC0415

    if what.startswith(_SCHEME):
        return str(BlobLocator.parse_storage_location(what))
    return str(BlobLocator.parse(what)) if what.startswith(_LOCATOR) else None


def _fetch(backend: Backend, memory_id: str, locator: str | None, output: Path, asset: str) -> int:
    from ic_capsule.uploads import download_asset, download_blob  # lazy: start-up time  # noqa: PLC0415

    if locator is not None:
        return download_blob(backend, locator, output)
    return download_asset(backend, memory_id, output, _ASSETS[asset])
