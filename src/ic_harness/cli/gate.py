"""`ic-harness gate`: whether a canister may be deployed, and why not."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .connection import ConnectionOptions
from .errors import BadInput
from .examples import examples
from .fork_options import passphrase_option
from .options import connection_options, json_option

if TYPE_CHECKING:
    from ic_harness.testing.results import Report

    from .gate_options import Asked

PASSED: Final = 0
REFUSED: Final = 1
COULD_NOT_RUN: Final = 2


class Several(click.Option):
    """An option that can be given several times, and in ic-harness.toml as one text or a list of texts."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Take one text as a list of one."""
        return super().type_cast_value(ctx, [value] if isinstance(value, str) else value)


@examples("ic-harness gate --wasm new.wasm.gz --baseline old.wasm.gz --report report.html")
@click.command()
@click.option(
    "--wasm", type=click.Path(path_type=Path), metavar="FILE", help="Build to judge, plain or gzip."
)
@click.option("--candid", type=click.Path(path_type=Path), metavar="DID", help="Its interface.")
@click.option("--argument", metavar="TEXT", help="Arguments of its init, such as '(42)'.")
@click.option("--canister-id", metavar="ID|NAME", help="Judge this running canister instead, as it is.")
@click.option(
    "--baseline",
    metavar="FILE|NETWORK:ID|fork:…",
    help="The build that it replaces: a Wasm, a running canister, or the state of one (fork:FOLDER, fork:NETWORK:ID).",
)
@passphrase_option
@click.option(
    "--baseline-candid", type=click.Path(path_type=Path), metavar="DID", help="Interface of the baseline."
)
@click.option(
    "--upgrade-argument", metavar="TEXT", help="Arguments of its post_upgrade, where they differ from init's."
)
@click.option(
    "--suite", metavar="NAME", help="Suite to run: capsule, generic, …; by default chosen by the interface."
)
@click.option(
    "--module",
    cls=Several,
    multiple=True,
    metavar="FILE",
    help="Python file with fill, verify, workload or own guarantees.",
)
@click.option(
    "--guarantees", cls=Several, multiple=True, metavar="TOML", help="Catalogue of your own guarantees."
)
@click.option(
    "--volatile",
    cls=Several,
    multiple=True,
    metavar="NAME",
    help="Query whose answer an upgrade may change, without arguments.",
)
@click.option("--accept", multiple=True, metavar="IDS", help="Known faults for this run, such as UC5,HT2.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="PERCENT",
    help="Per cent that a method may cost more than in the baseline.",
)
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write a report there."
)
@connection_options
@json_option
def gate(*, connection: ConnectionOptions, report: Path | None, as_json: bool, **asked: Any) -> None:
    """Decide whether a canister may be deployed, and say why not.

    Judged is the build given by --wasm, a running canister (--network and --canister-id), or the canister of the
    dfx.json in this folder; without any of them the reference backend. The Wasm and its interface are checked,
    the upgrade from --baseline is rehearsed forwards and back, and every guarantee is proved or refuted by calls.

    With --baseline fork:… the upgrade is rehearsed on the real state of a canister, which `ic-harness fork` downloads.

    A capsule backend is judged by its own suite; any other canister by what a Python file of yours stores and
    verifies (--module), and without one by its queries without arguments before and after the upgrade.

    Known faults are accepted in ic-harness.toml, in the table [gate.accepted], by the id of the guarantee, each with
    a reason and the date on which that ends. They are shown as accepted, never as passed.

    Exit status: 0 pass, 1 refused, 2 could not run.
    """
    from ic_harness.errors import HarnessError  # lazy: start-up time  # noqa: PLC0415

    from .gate_options import Asked  # lazy: start-up time  # noqa: PLC0415

    context = click.get_current_context()
    accepted = (context.default_map or {}).get("accepted", {})
    try:
        if report is not None:
            report.mkdir(parents=True, exist_ok=True)  # before a minute of work, not after it
        found = _judge(Asked(connection=connection, accepted=accepted, **asked))
        _tell(found, _write(found, report) if report is not None else [], as_json=as_json)
    except (HarnessError, OSError) as error:
        raise BadInput(f"could not run: {error}") from error
    except Exception:  # noqa: BLE001 - shown whole; Python would end with 1, which reads as a verdict
        traceback.print_exc()
        raise SystemExit(COULD_NOT_RUN) from None
    raise SystemExit(_STATUS[found.verdict.value])


_STATUS: Final = {
    "pass": PASSED,
    "refused": REFUSED,
    "could not run": COULD_NOT_RUN,
    "not judged": COULD_NOT_RUN,
}


def _judge(asked: Asked) -> Report:
    from ic_harness.testing.gate import run_gate  # lazy: start-up time  # noqa: PLC0415

    from .gate_inputs import opened  # lazy: start-up time  # noqa: PLC0415
    from .gate_text import showing_progress  # lazy: start-up time  # noqa: PLC0415

    with opened(asked) as (request, network), showing_progress() as progress:
        return run_gate(request, network, progress)


def _write(found: Report, folder: Path) -> list[Path]:
    from ic_harness.testing.report import write_report  # lazy: start-up time  # noqa: PLC0415

    return write_report(found, folder)


def _tell(found: Report, written: list[Path], *, as_json: bool) -> None:
    from ic_harness.testing.report import announce, to_json  # lazy: start-up time  # noqa: PLC0415

    if as_json:
        click.echo(to_json(found), nl=False)
    else:
        from .gate_text import show  # lazy: start-up time  # noqa: PLC0415

        show(found, written)
    # GitHub reads annotations from both streams; standard output may be JSON for another program.
    announce(found, os.environ, sys.stderr)
