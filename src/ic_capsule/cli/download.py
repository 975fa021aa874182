"""`ic-harness download`: an asset of a memory, or a blob, becomes a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_harness.cli.options import json_option, place_options
from ic_harness.cli.place import Place
from ic_harness.text import one_line, readable

from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.backend import Backend

ASSETS: Final = ("original", "display", "thumbnail", "placeholder")

_SCHEME: Final = "icp://"
_LOCATOR: Final = "blob_"


@click.command()
@click.argument("what", metavar="MEMORY_ID|LOCATOR")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--asset", type=click.Choice(ASSETS), default="original", show_default=True, help="Asset of the memory."
)
@canister_id_option
@place_options
@json_option
def download(
    *, what: str, output: Path, asset: str, canister_id: str | None, place: Place, as_json: bool
) -> None:
    """Write an asset of a memory, or the blob that a locator such as blob_42 names, to a file.

    The file appears when all of it has come and is as it was stored; a file that is there is replaced.
    """
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    locator = _locator(what)
    with open_session(place) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        size = _fetch(backend, what, locator, output, asset)
    if as_json:
        click.echo(json.dumps({"path": readable(output), "bytes": size}))
    else:
        click.echo(f"{one_line(str(output))}: {size} bytes")


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
    return download_asset(backend, memory_id, output, asset.capitalize())
