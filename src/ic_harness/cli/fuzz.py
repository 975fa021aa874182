"""`ic-harness fuzz`: random sequences of well-typed calls, and invariants that they must keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .examples import examples
from .fork_options import passphrase_option
from .options import json_option

if TYPE_CHECKING:
    from ic_harness.testing.fuzzing import FuzzReport

BROKEN: Final = 1


@examples(
    "ic-harness fuzz backend.wasm.gz --time 60", "ic-harness fuzz fork:backend.fork --to-pytest test_fuzz.py"
)
@click.command()
@click.argument("canister", metavar="FILE|fork:FOLDER")
@click.option("--candid", type=click.Path(path_type=Path), metavar="DID", help="Its interface.")
@click.option("--argument", metavar="TEXT", help="Arguments of its init, such as '(42)'.")
@click.option(
    "--upgrade-to",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Module that upgrades install; else the same one.",
)
@click.option(
    "--invariant", "invariants", multiple=True, metavar="NAME", help="Check only this one; repeatable."
)
@click.option("--except", "without", multiple=True, metavar="NAME", help="Do not check this one; repeatable.")
@click.option("--method", "methods", multiple=True, metavar="NAME", help="Call only this method; repeatable.")
@click.option(
    "--module",
    "modules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Python file with invariants of your own: functions invariant_…(canister).",
)
@click.option(
    "--allow-trap", multiple=True, metavar="REGEX", help="Traps with this in their message are expected."
)
@click.option("--volatile", multiple=True, metavar="QUERY", help="Do not compare the answers of this query.")
@click.option(
    "--shared", multiple=True, metavar="METHOD", help="This method may change what other callers own."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Repeat the run with this seed.")
@click.option(
    "--max-examples",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="Sequences to run.",
)
@click.option(
    "--max-steps",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    metavar="N",
    help="Steps of a sequence.",
)
@click.option(
    "--time",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Begin no further sequence after this time.",
)
@click.option(
    "--instructions",
    type=click.IntRange(1_000_000, 40_000_000_000),
    default=1_000_000_000,
    show_default=True,
    metavar="N",
    help="Limit of one call.",
)
@click.option(
    "--to-pytest",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a test for each failure.",
)
@passphrase_option
@json_option
def fuzz(*, as_json: bool, **asked: Any) -> None:
    """Call a canister with random arguments of the right types, in random sequences, and check invariants.

    The canister is a Wasm file, or a fork (`ic-harness fork`), whose state every sequence starts from. Sequences that
    break an invariant are shortened. Everything runs in the embedded replica of this process.

    Invariants: no-trap, interface, pure-queries, upgrade-keeps, instructions, ownership.

    Exit status: 0 none is broken, 1 some are, 2 bad input.
    """
    from .fuzz_run import run_fuzz  # lazy: start-up time  # noqa: PLC0415

    report = run_fuzz(**asked)
    click.echo(_json(report) if as_json else str(report))
    if report.failures:
        raise SystemExit(BROKEN)


def _json(report: FuzzReport) -> str:
    failures = [
        {
            "invariant": failure.invariant,
            "subject": failure.subject,
            "message": failure.message,
            "steps": [str(step) for step in failure.steps],
            "confirmed": failure.confirmed,
        }
        for failure in report.failures
    ]
    return json.dumps(
        {
            "seed": report.seed,
            "examples": report.examples,
            "calls": dict(report.calls),
            "seconds": round(report.seconds, 3),
            "skipped": dict(report.skipped),
            "time_over": report.time_over,
            "failures": failures,
        }
    )
