"""`ic-harness replay`: a failure file of `pytest --ic-failures`, shown again, shortened, or written as a test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_harness.text import clean, one_line

from .examples import examples

if TYPE_CHECKING:
    from ic_harness.history import Failure, FailureCheck, RecordedCall

_CALLS: Final = 12
"""The most calls before the failure that are shown."""
_LONGEST_LINE: Final = 65_536
_TRIES: Final = 5_000
_SECONDS: Final = 60.0


@examples(
    "ic-harness replay failures/test_pay-1a2b3c4d.ic-failure",
    "ic-harness replay test_pay-1a2b3c4d.ic-failure --step -c back -c state",
    "ic-harness replay test_pay-1a2b3c4d.ic-failure --shrink --to-pytest tests/test_pay_again.py",
)
@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--shrink", is_flag=True, help="Find the shortest list of calls that still fails.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Failure file for the result of --shrink; FILE with .short before the suffix without.",
)
@click.option(
    "--to-pytest",
    type=click.Path(path_type=Path),
    metavar="TEST",
    help="Write the failure as a test, in this file.",
)
@click.option(
    "--step",
    is_flag=True,
    help="Step through the messages: commands from standard input, such as next and state.",
)
@click.option(
    "-c",
    "--command",
    "commands",
    multiple=True,
    metavar="COMMAND",
    help="A command of --step; may be repeated.",
)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="PAGE", help="Write the calls as a sequence diagram."
)
@click.option(
    "--tries", type=click.IntRange(1), default=_TRIES, show_default=True, help="Most tries of --shrink."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=_SECONDS,
    show_default=True,
    help="Most seconds of --shrink.",
)
def replay(
    *,
    file: Path,
    shrink: bool,
    output: Path | None,
    to_pytest: Path | None,
    step: bool,
    commands: tuple[str, ...],
    html: Path | None,
    tries: int,
    seconds: float,
) -> None:
    """Show the failure in FILE again: the same calls on a network that begins in the same state.

    Exits with 1 when the last call is answered differently than in the failing test.
    """
    from ic_harness.history import check, read_failure  # lazy: start-up time  # noqa: PLC0415

    if output is not None and not shrink:
        raise click.UsageError("--output needs --shrink")
    if commands and not step:
        raise click.UsageError("--command needs --step")
    failure = read_failure(file)
    _introduce(failure)
    found = check(failure)
    _report(failure, found)
    if html is not None:
        _draw(failure, html)
    if step:
        _step(failure, commands)
    if not found.reproduced:
        raise click.exceptions.Exit(1)
    if shrink:
        failure = _shrink(failure, output or file.with_suffix(f".short{file.suffix}"), tries, seconds)
    if to_pytest is not None:
        _write_test(failure, to_pytest)


def _draw(failure: Failure, page: Path) -> None:
    from ic_harness.history import FailureRecording, History  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.networks import EmbeddedNetwork  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.principal import Principal  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.testing.report import sequence_page  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.testing.sequences import call_sequence  # lazy: start-up time  # noqa: PLC0415

    from .files import write_atomically  # lazy: start-up time  # noqa: PLC0415

    history = History(FailureRecording(failure), EmbeddedNetwork)
    try:
        messages = history.messages
    finally:
        history.close()
    names = {Principal(raw): name for raw, name in failure.names}
    chart = call_sequence(one_line(failure.test.name), messages, names)
    write_atomically(page, [sequence_page(one_line(failure.test.name), [chart]).encode()])
    click.echo(clean(f"written: {page}"))


def _step(failure: Failure, commands: tuple[str, ...]) -> None:
    from .replay_step import HELP, Stepper  # lazy: start-up time  # noqa: PLC0415

    stepper = Stepper(failure)
    try:
        if not commands and sys.stdin.isatty():
            click.echo(HELP)
        stepper.run(commands or _typed())
    finally:
        stepper.history.close()


def _typed() -> Iterator[str]:
    """Yield the lines of standard input, each after a prompt where a person types them."""
    prompt = "step> " if sys.stdin.isatty() else ""
    while True:
        click.echo(prompt, nl=False)
        line = sys.stdin.readline(_LONGEST_LINE)
        if not line:
            return
        yield line


def _introduce(failure: Failure) -> None:
    test = failure.test
    click.echo(clean(f"{one_line(test.name)} failed{' at ' + one_line(test.where) if test.where else ''}"))
    click.echo(clean(f"  {one_line(test.error)}: {one_line(test.message, 300)}"))


def _report(failure: Failure, found: FailureCheck) -> None:
    from ic_harness.history import described  # lazy: start-up time  # noqa: PLC0415

    names = dict(failure.names)
    click.echo(f"replayed {len(found.calls)} calls, {len(failure.events)} events")
    left_out = len(found.calls) - _CALLS
    if left_out > 0:
        click.echo(f"  … {left_out} earlier calls …")
    for call in found.calls[-_CALLS:]:
        click.echo(clean(f"  {_line(call, names)}"))
    for difference in found.differences[:3]:
        click.echo(
            clean(
                f"  call {difference.call.number} differs: recorded {one_line(described(difference.call.answer), 200)}"
            )
        )
        click.echo(clean(f"    now {one_line(described(difference.answer), 200)}"))
    click.echo(_verdict(found))


def _verdict(found: FailureCheck) -> str:
    if found.last is None:
        return "no call was made before the failure: it is not of the network"
    if not found.reproduced:
        return "NOT the same: the last call is answered differently"
    if found.differences:
        return f"the same failure, but {len(found.differences)} calls were answered differently"
    return "the same failure: every call is answered as in the failing test"


def _line(call: RecordedCall, names: dict[bytes, str]) -> str:
    from ic_harness.history import described  # lazy: start-up time  # noqa: PLC0415

    canister = names.get(call.request.callee) or str(call.canister)
    return one_line(
        f"{call.number}. {call.caller} {call.kind} {canister}.{call.request.method} "
        f"({len(call.request.arg):,} bytes): {described(call.answer)}",
        200,
    )


def _shrink(failure: Failure, output: Path, tries: int, seconds: float) -> Failure:
    from ic_harness.history import calls_of, shrink, write_failure  # lazy: start-up time  # noqa: PLC0415

    result = shrink(failure, tries=tries, seconds=seconds)
    ended = "" if result.complete else "; the search ended at its bounds, so it may not be the shortest"
    click.echo(
        f"shortened {result.calls_before} calls to {result.calls_after} in {result.tries} tries{ended}:"
    )
    for call in calls_of(result.failure.events):
        click.echo(clean(f"  {_line(call, dict(failure.names))}"))
    write_failure(output, result.failure)
    click.echo(clean(f"written: {output}"))
    return result.failure


def _write_test(failure: Failure, path: Path) -> None:
    from ic_harness.history import to_pytest  # lazy: start-up time  # noqa: PLC0415

    for written in to_pytest(failure, path):
        click.echo(clean(f"written: {written}"))
    click.echo(clean(f"run it: pytest {path}"))
