"""`ic-harness doctor`: which networks can be used here, and why others cannot."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from .options import json_option


@click.command()
@click.option("--network", metavar="URL", help="Also try the network at this URL.")
@json_option
def doctor(*, network: str | None, as_json: bool) -> None:
    """Tell which networks can be used here, and why others cannot.

    Exits with 1 when the embedded network, or the one given by --network, cannot be used.
    """
    from ic_harness.networks import examine  # lazy: start-up time  # noqa: PLC0415

    findings = examine(network)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        from .render import table  # lazy: start-up time  # noqa: PLC0415

        rows = [(found.name, "yes" if found.usable else "no", found.detail) for found in findings]
        table("networks", ("network", "usable", "what was found"), rows, narrow=2)
    if not all(found.usable for found in findings if found.required):
        raise SystemExit(1)
