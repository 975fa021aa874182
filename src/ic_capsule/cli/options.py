"""Options that the commands of capsule backends share."""

from __future__ import annotations

import click

canister_id_option = click.option(
    "--canister-id",
    envvar="IC_HARNESS_CANISTER_ID",
    metavar="ID|NAME",
    help="Backend to use. By default the registered one, deployed on first use where that is free.",
)
