"""`ic-harness upload`: photos become memories with four assets, stored and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .failures import failure, report
from .options import Place, canister_id_option, json_option, place_options

if TYPE_CHECKING:
    from ic_harness.backend import Backend
    from ic_harness.uploads import Asset, UploadedPhoto


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--capsule", metavar="ID", help="Capsule to store into; without it the caller's own.")
@canister_id_option
@place_options
@json_option
@click.pass_context
def upload(
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    capsule: str | None,
    canister_id: str | None,
    place: Place,
    as_json: bool,
) -> None:
    """Store each photo PATH as a memory with four assets, and read all of them back.

    The original and the smaller versions travel at the same time, in two lanes. Of a photo that cannot be stored
    nothing is left behind, and the others are stored nevertheless. With --json one object a photo is printed.
    """
    from ic_harness.backend import Backend  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.errors import HarnessError  # lazy: start-up time  # noqa: PLC0415

    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    statuses = []
    with open_session(place) as session:
        backend = Backend(session.agent(), session.backend_canister(canister_id))
        target = capsule or backend.capsules_create(None).id
        for path in paths:
            try:
                stored = _store(backend, path, target)
            except (HarnessError, OSError) as error:
                statuses.append(report(failure(error)))
                continue
            _show(_as_json(stored, session.network.name, path), as_json=as_json)
    context.exit(
        min(statuses, default=0)
    )  # that something failed counts more than that something was no photo
