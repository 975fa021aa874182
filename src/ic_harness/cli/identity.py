"""`ic-harness identity`: who one is, and who one could be."""

from __future__ import annotations

import json
import os

import click

from ic_harness.text import one_line

from .options import json_option, place_options
from .place import Place


@click.group()
def identity() -> None:
    """Tell which identities there are, and what their principals are."""


@identity.command(short_help="Print the principal that calls are made as.")
@place_options
def principal(*, place: Place) -> None:
    """Print the principal that calls are made as with these options, and nothing else."""
    from .identities import caller  # lazy: start-up time  # noqa: PLC0415

    click.echo(str(caller(place).principal))


@identity.command(short_help="Tell all about the identity that calls are made as.")
@place_options
@json_option
def show(*, place: Place, as_json: bool) -> None:
    """Tell principal, kind of key and origin of the identity that calls are made as with these options."""
    from .identities import caller, origin  # lazy: start-up time  # noqa: PLC0415

    found = caller(place)
    facts = {"principal": str(found.principal), "kind": type(found).__name__, "origin": origin(place)}
    if found.public_key_der is not None:
        facts["public_key"] = found.public_key_der.hex()
    if as_json:
        click.echo(json.dumps(facts))
    for name, value in {} if as_json else facts.items():
        click.echo(f"{name.replace('_', ' '):<12}{one_line(value)}")


@identity.command("list", short_help="List the identities that --identity takes by name.")
@json_option
def list_(*, as_json: bool) -> None:
    """List the identities that dfx and icp-cli keep, as --identity takes them, with their principals.

    A key that is encrypted opens with the passphrase in IC_HARNESS_PASSPHRASE.
    """
    from .identities import describe, stored_identities  # lazy: start-up time  # noqa: PLC0415

    found = [describe(name) for name in stored_identities(os.environ)]
    if as_json:
        click.echo(json.dumps(found))
    elif not found:
        click.echo("neither dfx nor icp-cli keeps identities here; give a PEM file by --identity", err=True)
    else:
        from .render import table  # lazy: start-up time  # noqa: PLC0415

        rows = [(str(row["name"]), row.get("principal") or f"({row['problem']})") for row in found]
        table("identities", ("name", "principal"), rows, narrow=1)
