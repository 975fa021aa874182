"""The identities of the command line: a key file, an identity of dfx or icp-cli, or a key of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from ic_harness.errors import IdentityError
from ic_harness.protocol import (
    Ed25519Identity,
    Identity,
    dump_pem,
    load_pem,
)

from .connection import ConnectionOptions
from .files import write_once

OWN_KEY: Final = "identity.pem"
"""The file, in the state folder, of the key that is made when no other is named."""

PASSPHRASE: Final = "IC_HARNESS_PASSPHRASE"  # noqa: S105 - the name of a variable
"""Environment variable with the passphrase of an encrypted key."""


def load_identity(spec: str, *, ask: bool = True) -> Identity:
    """Load the identity that an option names; see `find_identity`. Raises `IdentityError`.

    A missing passphrase is asked for in a terminal, if `ask`.
    """
    from ic_harness.protocol import find_identity  # lazy: start-up time  # noqa: PLC0415

    try:
        return find_identity(spec, os.environ, os.environ.get(PASSPHRASE))
    except IdentityError as error:
        if "passphrase is needed" not in str(error):
            raise
        if not (ask and sys.stdin.isatty()):
            raise IdentityError(f"{error}; set it in {PASSPHRASE}") from None
    return find_identity(spec, os.environ, click.prompt("passphrase", hide_input=True, err=True))


def own_identity(state_dir: Path) -> Identity:
    """Load the key kept in `state_dir`; on first use make an Ed25519 key that only its owner may read."""
    path = state_dir / OWN_KEY
    if not path.exists():
        write_once(path, dump_pem(Ed25519Identity.generate()))
    return load_pem(path)


def caller(connection: ConnectionOptions) -> Identity:
    """Load the identity that calls are made as. Raises `IdentityError`."""
    return load_identity(connection.identity) if connection.identity else own_identity(connection.state_dir)


def origin(connection: ConnectionOptions) -> str:
    """Return the origin of the caller's key, without the text of a key."""
    if connection.identity is None:
        return str(connection.state_dir / OWN_KEY)
    return "the PEM text that was given" if "PRIVATE KEY-----" in connection.identity else connection.identity


def stored_identities(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the identities of dfx and icp-cli, as `--identity` takes them."""
    from ic_harness.protocol import IdentityFolder  # lazy: start-up time  # noqa: PLC0415

    folders = [IdentityFolder.of("dfx", environ), IdentityFolder.of("icp", environ)]
    return [f"{folder.tool}:{name}" for folder in folders if folder.path.is_dir() for name in folder.names()]


def describe(name: str) -> dict[str, str]:
    """Return the principal of a stored identity, or why it cannot be read."""
    try:
        return {"name": name, "principal": str(load_identity(name, ask=False).principal)}
    except IdentityError as error:
        return {"name": name, "problem": str(error)}
