"""`ic-harness identity`: the caller's identity, and the stored ones."""

from __future__ import annotations

import json
import os

import click

from ic_harness.text import one_line

from .connection import ConnectionOptions
from .examples import examples
from .groups import SuggestingGroup
from .options import connection_options, json_option


@examples("ic-harness identity list")
@click.group(cls=SuggestingGroup)
def identity() -> None:
    """Show identities and their principals."""


@examples("ic-harness identity principal --identity dfx:default")
@identity.command(short_help="Print the caller's principal.")
@connection_options
def principal(*, connection: ConnectionOptions) -> None:
    """Print only the principal of the caller with these options."""
    from .identities import caller  # lazy: start-up time  # noqa: PLC0415

    click.echo(str(caller(connection).principal))


@examples("ic-harness identity show --identity key.pem --json")
@identity.command(short_help="Show the caller's identity.")
@connection_options
@json_option
def show(*, connection: ConnectionOptions, as_json: bool) -> None:
    """Print principal, kind of key and origin of the caller's identity with these options."""
    from .identities import caller, origin  # lazy: start-up time  # noqa: PLC0415

    found = caller(connection)
    facts = {"principal": str(found.principal), "kind": type(found).__name__, "origin": origin(connection)}
    if found.public_key_der is not None:
        facts["public_key"] = found.public_key_der.hex()
    if as_json:
        click.echo(json.dumps(facts))
    for name, value in {} if as_json else facts.items():
        click.echo(f"{name.replace('_', ' '):<12}{one_line(value)}")


@examples("ic-harness identity list --json")
@identity.command("list", short_help="List the identities that --identity takes by name.")
@json_option
def list_(*, as_json: bool) -> None:
    """List the identities of dfx and icp-cli, as --identity takes them, with their principals.

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
