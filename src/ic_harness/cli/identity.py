"""`ic-harness identity`: who one is, and who one could be."""

from __future__ import annotations

import os

import click

from .options import Place, json_option, place_options


@click.group()
def identity() -> None:
    """Tell which identities there are, and what their principals are."""


@identity.command()
@place_options
def principal(*, place: Place) -> None:
    """Print the principal that calls are made as with these options."""
    from .identities import load_identity, own_identity  # lazy: start-up time  # noqa: PLC0415

    caller = load_identity(place.identity) if place.identity else own_identity(place.state_dir)
    click.echo(str(caller.principal))


@identity.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the identities that dfx and icp-cli keep; use one by --identity dfx:NAME or icp:NAME."""
    from ic_harness.protocol import IdentityFolder  # lazy: start-up time  # noqa: PLC0415

    folders = [IdentityFolder.of("dfx", os.environ), IdentityFolder.of("icp", os.environ)]
    found = [f"{folder.tool}:{name}" for folder in folders if folder.path.is_dir() for name in folder.names()]
    if as_json:
        import json  # lazy: start-up time  # noqa: PLC0415

        click.echo(json.dumps(found))
    for name in [] if as_json else found:
        click.echo(name)
