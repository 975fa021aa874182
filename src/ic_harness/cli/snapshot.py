"""`ic-harness snapshot`: snapshots of canisters as folders, on any network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .connection import ConnectionOptions
from .examples import examples
from .groups import SuggestingGroup
from .options import complete_later, connection_options, json_option

quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")


class SnapshotId(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The id of a snapshot in hexadecimal digits."""

    name = "id"

    def convert(self, value: bytes | str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return the id as bytes. Raises `click.BadParameter`."""
        if isinstance(value, bytes):
            return value
        try:
            return bytes.fromhex(value)
        except ValueError:
            self.fail(f"{value!r} is no hexadecimal text", param, ctx)


@examples("ic-harness snapshot download backend backup", "ic-harness snapshot upload backend backup --load")
@click.group(cls=SuggestingGroup)
def snapshot() -> None:
    """Download a canister's snapshot into a folder, or upload one."""


@examples("ic-harness snapshot download backend backup --network ic --identity key.pem")
@snapshot.command()
@click.argument("canister", shell_complete=complete_later("canisters"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--snapshot", "identifier", type=SnapshotId(), help="A snapshot that is there; else one is taken."
)
@click.option("--keep", is_flag=True, help="Keep the snapshot that was taken on the canister.")
@quiet_option
@connection_options
@json_option
def download(
    *,
    canister: str,
    folder: Path,
    identifier: bytes | None,
    keep: bool,
    quiet: bool,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Write a snapshot of CANISTER into the new FOLDER: code, memories, chunks, and what else belongs to it.

    Interrupted, the same command continues. FOLDER appears when everything is there.
    """
    from ic_harness.agent import Management  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.networks import download_snapshot  # lazy: start-up time  # noqa: PLC0415

    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    with open_session(connection) as session, showing_progress("download", quiet=quiet) as progress:
        target = session.target(canister)
        manifest = download_snapshot(
            Management(session.agent()), target, folder, snapshot=identifier, keep=keep, progress=progress
        )
    shown = {
        "canister_id": str(target),
        "snapshot_id": manifest.snapshot.hex(),
        "folder": str(folder),
        "bytes": manifest.total,
    }
    _report(shown, f"{folder}: snapshot {manifest.snapshot.hex()} of {target}", as_json=as_json)


@examples("ic-harness snapshot upload backend backup --load")
@snapshot.command()
@click.argument("canister", shell_complete=complete_later("canisters"))
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--replace", type=SnapshotId(), help="Delete this snapshot of the canister for it.")
@click.option("--verify", is_flag=True, help="Read everything back and compare.")
@click.option("--load", is_flag=True, help="Restore the canister from it.")
@quiet_option
@connection_options
@json_option
def upload(
    *,
    canister: str,
    folder: Path,
    replace: bytes | None,
    verify: bool,
    load: bool,
    quiet: bool,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Make a snapshot of CANISTER from FOLDER, which `snapshot download` wrote, here or on another network.

    Every file is checked before anything is sent. Interrupted, the same command continues.
    """
    from ic_harness.agent import Management  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.networks import upload_snapshot  # lazy: start-up time  # noqa: PLC0415

    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    with open_session(connection) as session, showing_progress("upload", quiet=quiet) as progress:
        target = session.target(canister)
        management = Management(session.agent())
        made = upload_snapshot(
            management,
            target,
            folder,
            network_key=session.network.root_key,
            replace=replace,
            verify=verify,
            progress=progress,
        )
        if load:
            management.load_canister_snapshot(target, made)
    shown = {"canister_id": str(target), "snapshot_id": made.hex(), "loaded": load}
    done = "uploaded and loaded" if load else "uploaded"
    _report(shown, f"{target}: snapshot {made.hex()} {done}", as_json=as_json)


@examples("ic-harness snapshot list backend")
@snapshot.command("list")
@click.argument("canister", shell_complete=complete_later("canisters"))
@connection_options
@json_option
def list_(*, canister: str, connection: ConnectionOptions, as_json: bool) -> None:
    """Print the snapshots that CANISTER has: id, size in bytes, time in ns since 1970."""
    from ic_harness.agent import Management  # lazy: start-up time  # noqa: PLC0415

    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    with open_session(connection) as session:
        found = Management(session.agent()).list_canister_snapshots(session.target(canister))
    for one in found:
        shown = {
            "snapshot_id": one["id"].hex(),
            "bytes": one["total_size"],
            "taken_at_ns": one["taken_at_timestamp"],
        }
        _report(shown, "  ".join(map(str, shown.values())), as_json=as_json)


def _report(values: dict[str, object], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(values) if as_json else text)


@contextmanager
def showing_progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show progress on standard error, where that is a terminal."""
    if quiet or not sys.stderr.isatty():  # older versions of rich print an empty line where they are disabled
        yield lambda _done, _total: None
        return
    from rich.console import Console  # lazy: start-up time  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # lazy  # noqa: PLC0415

    shown = Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
