"""`ic-harness list` and `ic-harness delete`: the memories of a capsule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ic_harness.cli.connection import ConnectionOptions
from ic_harness.cli.errors import Failed, failure, report
from ic_harness.cli.examples import examples
from ic_harness.cli.options import connection_options, json_option
from ic_harness.errors import BackendError, HarnessError, UploadError
from ic_harness.text import for_log, one_line, readable

from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.backend import Backend, MemoryHeader

_capsule_option = click.option("--capsule", metavar="ID", help="Capsule; without it the caller's own.")


@examples("ic-harness list --network ic --canister-id rwlgt-iiaaa-aaaaa-aaaaa-cai --json")
@click.command("list")
@_capsule_option
@canister_id_option
@connection_options
@json_option
def list_memories(
    *, capsule: str | None, canister_id: str | None, connection: ConnectionOptions, as_json: bool
) -> None:
    """List the memories of a capsule, oldest first. With --json one object a memory is printed."""
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.render import table  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.units import human_bytes  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    with open_session(connection) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        target = capsule or own_capsule(backend)
        found = pages(backend, target)
        if as_json:
            for memory in found:
                click.echo(json.dumps(_facts(memory)))
            return
        rows = [
            (
                one_line(memory.id),
                one_line(memory.name),
                memory.memory_type.value,
                str(memory.asset_count),
                human_bytes(memory.size),
            )
            for memory in found
        ]
    table(f"capsule {target}", ("memory", "name", "type", "assets", "size"), rows, numbers=2, narrow=1)


def own_capsule(backend: Backend) -> str:
    """Return the id of the caller's capsule. Raises `Failed` when there is none, `CallError`."""
    try:
        return backend.capsules_read_basic(None).capsule_id
    except BackendError as error:
        if error.tag != "NotFound":
            raise
        raise Failed(
            "this caller has no capsule: `ic-harness upload` makes one; for another one give --capsule, or --identity "
            "of its owner"
        ) from error


def pages(backend: Backend, capsule: str) -> Iterator[MemoryHeader]:
    """Yield all memories of a capsule, page by page.

    Raises `UploadError` when the backend repeats a cursor, with which the list would have no end.
    """
    cursor, seen = None, set[str]()
    while True:
        page = backend.memories_list(capsule, cursor, None)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            raise UploadError(f"the list of memories has no end: the cursor {one_line(cursor)} came again")
        seen.add(cursor)


def _facts(memory: MemoryHeader) -> dict[str, object]:
    return {
        "memory_id": readable(memory.id),
        "capsule_id": readable(memory.capsule_id),
        "name": readable(memory.name),
        "title": None if memory.title is None else readable(memory.title),
        "memory_type": memory.memory_type.value,
        "assets": memory.asset_count,
        "bytes": memory.size,
        "created_at_ns": memory.created_at,
    }


@examples("ic-harness delete mem_1 --yes")
@click.command()
@click.argument("memory_ids", nargs=-1, required=True, metavar="MEMORY_ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-assets", is_flag=True, help="Delete the memory alone; its blobs stay.")
@canister_id_option
@connection_options
@json_option
@click.pass_context
def delete(
    context: click.Context,
    *,
    memory_ids: tuple[str, ...],
    yes: bool,
    keep_assets: bool,
    canister_id: str | None,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Delete memories with their assets; each one that cannot be deleted is named, and the others are deleted.

    Asks before, unless --yes is given. With --json one object a memory is printed.
    """
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    wanted = tuple(dict.fromkeys(memory_ids))
    if not yes:
        what = "its" if len(wanted) == 1 else "their"
        with_assets = "" if keep_assets else f" with {what} assets"
        noun = "memory" if len(wanted) == 1 else "memories"
        click.confirm(f"Delete {len(wanted)} {noun}{with_assets}?", abort=True, err=True)
    statuses = []
    with open_session(connection) as session:
        backend = open_backend(session.agent(), backend_canister(session, canister_id))
        for memory_id in wanted:
            try:
                backend.memories_delete(memory_id, not keep_assets)
            except HarnessError as error:
                statuses.append(_failed(memory_id, failure(error), as_json=as_json))
            else:
                _show_deleted(memory_id, as_json=as_json)
    context.exit(min(statuses, default=0))


def _show_deleted(memory_id: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"memory_id": readable(memory_id), "deleted": True}))
    else:
        click.echo(f"deleted: {one_line(memory_id)}")


def _failed(memory_id: str, error: click.ClickException, *, as_json: bool) -> int:
    """Report a memory that was not deleted; return the exit status."""
    if as_json:
        text = one_line(for_log(error.format_message()))
        facts = {"memory_id": readable(memory_id), "deleted": False, "error": text}
        click.echo(json.dumps({**facts, "exit_status": error.exit_code}))
    return report(type(error)(f"{memory_id}: {error.format_message()}"))
