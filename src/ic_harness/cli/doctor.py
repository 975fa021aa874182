"""`ic-harness doctor`: which networks can be used here, and why others cannot."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from .options import json_option

if TYPE_CHECKING:
    from ic_harness.networks import Finding

_USABLE: Final = {True: "yes", False: "no", None: "not tried"}


@click.command()
@click.option("--network", metavar="NAME|URL", help="Also try this network, and fail when it cannot be used.")
@json_option
def doctor(*, network: str | None, as_json: bool) -> None:
    """Tell which networks can be used here, in which versions, and why others cannot.

    Exits with 1 when the embedded network, or the one given by --network, cannot be used.
    """
    from ic_harness.networks import examine  # lazy: start-up time  # noqa: PLC0415

    findings = examine(network)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        from .render import table  # lazy: start-up time  # noqa: PLC0415

        rows = [(found.name, _USABLE[found.usable], _told(found)) for found in findings]
        table("networks", ("network", "usable", "what was found"), rows, narrow=2)
    if not all(found.usable for found in findings if found.required):
        raise SystemExit(1)


def _told(found: Finding) -> str:
    version = f"{found.version}: " if found.version else ""
    can = f"; can: {', '.join(found.capabilities)}" if found.capabilities else ""
    return f"{version}{found.detail}{can}"
