"""`ic-harness upload`: photos become memories with four assets, stored and read back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ic_harness.cli.failures import failure, report
from ic_harness.cli.options import json_option, place_options
from ic_harness.cli.place import Place
from ic_harness.errors import HarnessError
from ic_harness.text import readable

from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.backend import Backend
    from ic_capsule.uploads import Progress, UploadedPhoto


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
    """Store each photo PATH as a memory with four assets, and read all of them back; of a folder, all that is in it.

    Videos, sounds, documents and notes become memories of their kind with the original alone. The original and the
    smaller versions of a photo travel at the same time, in two lanes. Of a file that cannot be stored nothing is left
    behind, and the others are stored nevertheless; where a backend cannot undo that (generations A and B), it is said
    before, and what stays is named. With --json one object a file is printed. For thousands of files see `bulk`.
    """
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_capsule.uploads import found_in  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    statuses = []
    with open_session(place) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        target = capsule or backend.capsules_create(None).id
        for path in (file for given in paths for file in list(found_in(given)) or [given]):
            try:
                stored = _store(backend, path, target)
            except (HarnessError, OSError) as error:
                statuses.append(report(failure(error)))
            else:
                _show(_as_json(stored, session.network.name), as_json=as_json)
    # That something failed (1) tells more than that something was no photo (2).
    context.exit(min(statuses, default=0))


def _store(backend: Backend, path: Path, capsule: str) -> UploadedPhoto:
    from ic_capsule.uploads import upload_file  # lazy: start-up time  # noqa: PLC0415

    from .render import lanes  # lazy: start-up time  # noqa: PLC0415

    with lanes() as bars:

        def listen(step: Progress) -> None:
            if step.notice:
                click.echo(f"note: {step.notice}", err=True)
            else:
                bars.advance(step.lane, step.done, step.total)

        return upload_file(backend, path, capsule, on_progress=listen)


def _as_json(stored: UploadedPhoto, network: str) -> dict[str, Any]:
    facts = asdict(stored)
    if not stored.other_memories:
        del facts["other_memories"]  # of generations A and B only
    return {"photo": readable(facts.pop("photo")), "network": network, **facts}


def _show(photo: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(photo))
        return
    from .render import asset_table  # lazy: start-up time  # noqa: PLC0415

    asset_table(photo)
