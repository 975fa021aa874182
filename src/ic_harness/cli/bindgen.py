"""`ic-harness bindgen`: a typed Python client from a Candid interface."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_harness.text import clean, one_line

from .examples import examples

if TYPE_CHECKING:
    from ic_harness.candid.bindgen import Style


STYLES: Final = ("pydantic", "dataclasses", "plain")


@examples(
    "ic-harness bindgen counter.did -o counter_client.py",
    "ic-harness bindgen counter.did -o counter_client.py --check",
)
@click.command()
@click.argument("did", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write; standard output without."
)
@click.option("--class-name", metavar="NAME", help="Name of the client class.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default=STYLES[0],
    show_default=True,
    help="How records are written: models that check, dataclasses, or dictionaries (TypedDict).",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when the file is not up to date.")
def bindgen(*, did: Path, output: Path | None, class_name: str | None, style: Style, check: bool) -> None:
    r"""Write records and typed clients, sync and async, for the interface in the file DID."""
    from ic_harness.candid.bindgen import generate  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.errors import CandidError, InputError  # lazy: start-up time  # noqa: PLC0415

    from .files import write_atomically  # lazy: start-up time  # noqa: PLC0415
    from .interfaces import interface_file  # lazy: start-up time  # noqa: PLC0415

    if check and output is None:
        raise click.UsageError("--check needs --output")
    service = interface_file(did)
    try:
        source = generate(service, source_name=one_line(did.name), class_name=class_name, style=style)
    except CandidError as error:
        raise InputError(f"{did}: {error}") from error
    if output is None:
        click.echo(source if not sys.stdout.isatty() else clean(source, max_line=len(source)), nl=False)
    elif check:
        _check(output, source)
    else:
        write_atomically(output, [source.encode()])


def _check(output: Path, source: str) -> None:
    current = output.read_text(encoding="utf-8") if output.exists() else None
    if current != source:
        raise click.ClickException(f"{output} does not match the interface: generate it again")
