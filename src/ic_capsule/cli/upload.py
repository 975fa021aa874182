"""`ic-harness upload`: photos become memories with four assets, stored and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ic_harness.cli.connection import ConnectionOptions
from ic_harness.cli.errors import failure, report
from ic_harness.cli.examples import examples
from ic_harness.cli.options import connection_options, json_option
from ic_harness.errors import HarnessError
from ic_harness.text import for_log, one_line, readable

from .batch import Batch
from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.backend import Backend
    from ic_capsule.uploads import Progress, UploadedPhoto


@examples("ic-harness upload holidays/ --network ic --identity key.pem")
@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--quiet", "-q", is_flag=True, help="Print failures only.")
@click.option("--capsule", metavar="ID", help="Capsule to store into; without it the caller's own.")
@canister_id_option
@connection_options
@json_option
@click.pass_context
def upload(
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    quiet: bool,
    capsule: str | None,
    canister_id: str | None,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Store each photo PATH as a memory with four assets, and read all of them back; of a folder, all that is in it.

    Videos, sounds, documents and notes become memories of their kind with the original alone. The original and the
    smaller versions of a photo travel at the same time, in two lanes. Of a file that cannot be stored nothing is left
    behind, and the others are stored nevertheless; where a backend cannot undo that (generations A and B), it is said
    before, and what stays is named. Of several files a line about all of them ends the command, on standard error.
    With --json one object a file is printed, with `error` and `exit_status` for a file that was not stored. For
    thousands of files see `bulk`.
    """
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_capsule.uploads import found_in  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    statuses: list[int | None] = []
    with open_session(connection) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        target = capsule or backend.capsules_create(None).id
        batch = Batch(tuple(file for given in paths for file in list(found_in(given)) or [given]))
        send = partial(_store, backend, capsule=target, batch=batch, quiet=quiet)
        try:
            for path in batch.files:
                status = _one(send, path, session.network.name, as_json=as_json, quiet=quiet)
                batch.done(path, stored=status is None)
                statuses.append(status)
        finally:  # an interrupted command says how far it came, too
            if not (quiet or batch.is_one):
                click.echo(batch.summary(), err=True)
    # A failure (1) is more important than a file that is no photo (2).
    context.exit(min((status for status in statuses if status is not None), default=0))


def _one(
    send: Callable[[Path], UploadedPhoto], path: Path, network: str, *, as_json: bool, quiet: bool
) -> int | None:
    """Store a file and print what became of it; return the exit status of a failure."""
    try:
        stored = send(path)
    except (HarnessError, OSError) as error:
        return _failed(path, network, failure(error), as_json=as_json)
    if as_json or not quiet:
        _show(_as_json(stored, network), as_json=as_json)
    return None


def _failed(path: Path, network: str, error: click.ClickException, *, as_json: bool) -> int:
    """Report a file that was not stored; return the exit status."""
    if as_json:
        text = one_line(for_log(error.format_message()))
        facts = {"photo": readable(path), "network": network, "error": text, "exit_status": error.exit_code}
        click.echo(json.dumps(facts))
    return report(error)


def _store(backend: Backend, path: Path, *, capsule: str, batch: Batch, quiet: bool) -> UploadedPhoto:
    from ic_capsule.uploads import upload_file  # lazy: start-up time  # noqa: PLC0415

    from .render import lanes  # lazy: start-up time  # noqa: PLC0415

    with lanes(batch, quiet=quiet) as bars:

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
