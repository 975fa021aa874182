"""`ic-harness upload`: photos become memories with four assets, stored and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import Place, canister_id_option, json_option, place_options

if TYPE_CHECKING:
    from ic_harness.backend import Backend
    from ic_harness.uploads import UploadedPhoto

    from .session import Session


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--capsule", metavar="ID", help="Capsule to store into; without it the caller's own.")
@canister_id_option
@place_options
@json_option
def upload(
    *, paths: tuple[Path, ...], capsule: str | None, canister_id: str | None, place: Place, as_json: bool
) -> None:
    """Store each photo PATH as a memory with four assets, and read all of them back.

    The original and the smaller versions travel at the same time, in two lanes. When a photo cannot be stored,
    nothing of it is left behind, the others are stored nevertheless, and the exit status is that of the first
    failure. With --json one object a photo is printed.
    """
    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    for path in paths:
        _check(path)
    with open_session(place) as session:
        backend = _backend(session, canister_id)
        target = capsule or backend.capsules_create(None).id
        for path in paths:
            _show(_upload(session, backend, path, target), as_json=as_json)


def _check(path: Path) -> None:
    """Refuse before anything is sent what can be refused without looking inside."""
    if not path.exists():
        raise click.UsageError(f"{path}: there is no such file")
    if not path.is_file():
        raise click.UsageError(f"{path} is no file")
