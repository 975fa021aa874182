"""`ic-harness bulk`: thousands of files, each accounted for, in a run that can be stopped and continued at any time.

The modules of `ic_capsule.bulk` load when a command runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ic_harness.cli.connection import ConnectionOptions
from ic_harness.cli.examples import examples
from ic_harness.cli.files import write_atomically
from ic_harness.cli.groups import SuggestingGroup
from ic_harness.cli.options import connection_options, json_option, state_dir_option
from ic_harness.errors import InputError
from ic_harness.text import for_log, one_line
from ic_harness.units import human_bytes

from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.bulk import Embedder, Ledger, Limits, Options
    from ic_harness.cli.session import Session
    from ic_harness.networks import Network
    from ic_harness.principal import Principal

LEDGER: Final = "bulk.sqlite"
_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_LOOPBACK: Final = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")

ledger_option = click.option(
    "--ledger",
    envvar="IC_HARNESS_BULK_LEDGER",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"File that holds the run; without it {LEDGER} in the state folder.",
)


def size(text: str) -> int:
    """Parse a number of bytes such as `500k`, `3.5M` or `2GB`; units are powers of 1000."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", text.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise click.BadParameter(f"{text!r} is no size such as 500k, 3.5M or 2GB")
    return max(1, int(float(found[1]) * _UNITS[found[2]]))


@examples("ic-harness bulk add holidays/", "ic-harness bulk run --network ic --identity key.pem")
@click.group(cls=SuggestingGroup)
def bulk() -> None:
    """Upload folders with thousands of files, in three stages, and account for every one of them.

    `add` lists files in a ledger, `run` uploads, processes and embeds them until all are done. A run that was stopped,
    killed or cut off is continued by the same command. Exit status of `run`: 0 all done, 1 some failed for good.
    """


@examples("ic-harness bulk add holidays/ --tag lisbon")
@bulk.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--tag", "tags", multiple=True, metavar="TEXT", help="Tag for each memory; may be given again.")
@click.option("--urgent", is_flag=True, help="Before all files that are already waiting.")
@ledger_option
@state_dir_option
@json_option
def add(
    *,
    paths: tuple[Path, ...],
    tags: tuple[str, ...],
    urgent: bool,
    ledger: Path | None,
    state_dir: Path,
    as_json: bool,
) -> None:
    """List files for upload: files, folders with all that is in them, and patterns. Nothing is sent.

    Sidecars, hidden files and kinds that are not stored are left out. Files with equal content are stored once.
    """
    from ic_capsule.bulk import NORMAL, URGENT, Ledger, add_paths  # lazy: start-up time  # noqa: PLC0415

    with Ledger.open(ledger or state_dir / LEDGER, create=True) as book:
        scanned = add_paths(book, paths, tags=tags, priority=URGENT if urgent else NORMAL)
    if as_json:
        facts = {
            name: getattr(scanned, name)
            for name in ("found", "new", "duplicates", "unchanged", "invalid", "bytes")
        }
        click.echo(json.dumps({**facts, "left_out": scanned.left_out}))
        return
    click.echo(
        f"{scanned.found} files, {human_bytes(scanned.bytes)}: {scanned.new} new ({scanned.duplicates} duplicates of "
        f"others, {scanned.invalid} that cannot be stored), {scanned.unchanged} known already"
    )
    for reason, count in sorted(scanned.left_out.items()):
        click.echo(f"left out: {count} ({reason})")


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--capsule", metavar="ID", help="Capsule to store into; without it the caller's own."),
        click.option(
            "--until",
            type=click.Choice(["upload", "process", "embed"]),
            default="embed",
            show_default=True,
            help="Last stage.",
        ),
        click.option(
            "--once", is_flag=True, help="Do what is due now and return; do not wait for later tries."
        ),
        click.option("--whole", is_flag=True, help="Store four assets at once, as `upload` does."),
        click.option(
            "--lanes", type=click.IntRange(1, 96), help="Maximum number of concurrent files in each stage."
        ),
        click.option(
            "--bwlimit", type=size, metavar="SIZE", help="Maximum bytes sent per second, such as 2M."
        ),
        click.option("--rate", type=click.FloatRange(min=0.1), help="Maximum update calls per second."),
        click.option(
            "--budget", type=size, metavar="SIZE", help="Start no more files after this many bytes."
        ),
        click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing."),
        click.option("--engine", default="local", show_default=True, help="local, or dask://HOST:PORT."),
        click.option(
            "--embedder", default="visual", show_default=True, help="Name of an installed embedder."
        ),
        click.option(
            "--weights", type=click.Path(path_type=Path, exists=True), help="Weights of the embedder."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@examples("ic-harness bulk run --lanes 4 --until embed")
@bulk.command()
@_run_options
@canister_id_option
@ledger_option
@connection_options
@json_option
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    capsule: str | None,
    canister_id: str | None,
    ledger: Path | None,
    connection: ConnectionOptions,
    as_json: bool,
    dry_run: bool,
    engine: str,
    embedder: str,
    weights: Path | None,
    **rest: Any,
) -> None:
    """Upload, process and embed the listed files until all are done."""
    from ic_capsule.bulk import Ledger, load_embedder  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    from .bulk_progress import shown  # lazy: start-up time  # noqa: PLC0415
    from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

    if engine != "local" and not engine.startswith("dask://"):
        raise InputError(f"no engine {engine!r}: there are local and dask://HOST:PORT")
    path = ledger or connection.state_dir / LEDGER
    with Ledger.open(path) as book:
        if dry_run:
            _tell_plan(book.stats().as_json(), as_json=as_json)
            return
        model = load_embedder(embedder, weights)
        with open_session(connection) as session:
            options = _options(session.network, rest, embeds=model is not None)
            canister = backend_canister(session, canister_id)
            with _quietly(path, options) if as_json else shown(path, options.stages):
                _work(Work(book, session, canister, options, model, capsule), engine)
        _tell(book.stats().as_json(), as_json=as_json)
        context.exit(1 if book.stats().dead else 0)


@dataclass(frozen=True, slots=True)
class Work:
    """The inputs of a run."""

    book: Ledger
    session: Session
    canister: Principal
    options: Options
    model: Embedder | None
    capsule: str | None


def _work(work: Work, engine: str) -> None:
    from ic_capsule.bulk import run_bulk  # lazy: start-up time  # noqa: PLC0415

    if engine.startswith("dask://"):
        _run_on_dask(work, engine)
        return
    run_bulk(
        work.book,
        work.session.network,
        work.session.identity,
        work.canister,
        work.options,
        embedder=work.model,
        capsule=work.capsule,
    )


@contextmanager
def _quietly(_path: Path, _options: Options) -> Iterator[None]:
    yield


def _run_on_dask(work: Work, engine: str) -> None:
    from ic_capsule.bulk import Place as Reached  # lazy: start-up time  # noqa: PLC0415
    from ic_capsule.bulk import run_on_dask  # lazy: start-up time  # noqa: PLC0415

    connection = work.session.connection
    run_on_dask(
        engine.removeprefix("dask://"),
        work.book,
        work.session.network,
        work.session.identity,
        work.canister,
        work.options,
        place=Reached(
            network=connection.network,
            identity=connection.identity,
            state_dir=str(connection.state_dir.absolute()),
        ),
        embedder=work.model,
        capsule=work.capsule,
    )


def _options(network: Network, rest: dict[str, Any], *, embeds: bool) -> Options:
    from ic_capsule.bulk import LANES, Options, Stage  # lazy: start-up time  # noqa: PLC0415

    until = Stage(rest["until"])
    if until is Stage.EMBED and not embeds:
        until = Stage.PROCESS
    return Options(
        until=until,
        once=rest["once"],
        whole=rest["whole"],
        lanes=rest["lanes"] or LANES,
        budget=rest["budget"],
        limits=limits_of(network, rest["rate"], rest["bwlimit"]),
    )


def limits_of(network: Network, rate: float | None, bwlimit: int | None) -> Limits:
    """Limits of a run: none on this machine's networks, those of a public one elsewhere."""
    from ic_capsule.bulk import UNPACED, Limits  # lazy: start-up time  # noqa: PLC0415

    here = network.name == "embedded" or (network.url or "").startswith(_LOOPBACK)
    limits = UNPACED if here else Limits()
    if rate is not None:
        limits = replace(limits, per_second=rate, burst=2 * rate)
    return replace(limits, bytes_per_second=bwlimit)


def _tell_plan(stats: dict[str, Any], *, as_json: bool) -> None:
    upload, process = stats["stages"]["upload"], stats["stages"]["process"]
    files = sum(upload.get(state, 0) for state in ("ready", "waiting", "leased"))
    photos = sum(process.get(state, 0) for state in ("ready", "waiting", "leased"))
    photos += min(files, process.get("blocked", 0))  # those of files that failed stay blocked
    count = stats["bytes"]["total"] - stats["bytes"]["stored"]
    updates = 4 * files + count // 1_800_000 + 9 * photos
    plan = {
        "files": files,
        "bytes": count,
        "to_process": photos,
        "updates": updates,
        "dead_letters": stats["failed"],
    }
    if as_json:
        click.echo(json.dumps(plan))
    else:
        click.echo(
            f"would upload {files} files, {human_bytes(count)}, and process {photos}: about {updates} updates; "
            f"{stats['failed']} cannot be stored; {stats['duplicates']} duplicates need nothing"
        )


def _tell(stats: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(stats))
    elif stats["failed"]:
        click.echo(
            f"{stats['failed']} failed for good: `ic-harness bulk status` lists them, `bulk retry --all` retries"
        )


@examples("ic-harness bulk status --watch")
@bulk.command()
@click.option("--watch", is_flag=True, help="Update until all files are done.")
@ledger_option
@state_dir_option
@json_option
def status(*, watch: bool, ledger: Path | None, state_dir: Path, as_json: bool) -> None:
    """Show the progress of a run and its failures, also while it is running."""
    from ic_capsule.bulk import LedgerView, Stage, line  # lazy: start-up time  # noqa: PLC0415

    from .bulk_progress import Watcher  # lazy: start-up time  # noqa: PLC0415

    path = ledger or state_dir / LEDGER
    with LedgerView.open(path) as view:
        if watch:
            Watcher(path, tuple(Stage)).show(until_finished=True)
        stats, letters = view.stats(), view.dead_letters()
        if as_json:
            failures = [
                {
                    "id": x.file,
                    "file": x.name,
                    "stage": x.stage,
                    "class": x.cls,
                    "error": x.error,
                    "tries": x.attempts,
                }
                for x in letters
            ]
            click.echo(json.dumps({**stats.as_json(), "failures": failures, "target": view.target()}))
            return
        for letter in letters:
            click.echo(
                f"failed: {letter.file} {one_line(for_log(letter.name), 80)} ({letter.stage}, {letter.cls}): "
                f"{one_line(for_log(letter.error))}"
            )
        click.echo(line(stats))


@examples("ic-harness bulk retry --all")
@bulk.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option(
    "--class",
    "cls",
    type=click.Choice(["rate_limit", "network", "server", "invalid", "unknown"]),
    help="Those of a class.",
)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@ledger_option
@state_dir_option
def retry(
    *, ids: tuple[int, ...], cls: str | None, everything: bool, ledger: Path | None, state_dir: Path
) -> None:
    """Retry files that failed permanently, before all others: by id, by class, or all."""
    from ic_capsule.bulk import FailureClass, Ledger  # lazy: start-up time  # noqa: PLC0415

    if not (ids or cls or everything):
        raise InputError("name files by their ids, a --class, or --all")
    with Ledger.open(ledger or state_dir / LEDGER) as book:
        count = book.retry(files=ids or None, cls=FailureClass(cls) if cls else None)
    click.echo(f"{count} to be tried again by `ic-harness bulk run`")


@examples("ic-harness bulk report -o run.html")
@bulk.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="bulk-report.html",
    show_default=True,
)
@ledger_option
@state_dir_option
def report(*, output: Path, ledger: Path | None, state_dir: Path) -> None:
    """Write the run as one HTML file: throughput, latencies, failures, thumbnails."""
    from ic_capsule.bulk import LedgerView, report_html  # lazy: start-up time  # noqa: PLC0415

    with LedgerView.open(ledger or state_dir / LEDGER) as view:
        write_atomically(output, [report_html(view).encode()])
    click.echo(f"written: {output}")
