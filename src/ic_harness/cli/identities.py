"""Whom the command line calls as: a key file, an identity of dfx or icp-cli, or a key of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ic_harness.errors import IdentityError
from ic_harness.protocol import Ed25519Identity, Identity, dump_pem, find_identity, load_pem

from .files import write_once

OWN_KEY: Final = "identity.pem"
"""The file, in the state folder, of the key that is made when no other is named."""

PASSPHRASE: Final = "IC_HARNESS_PASSPHRASE"  # noqa: S105 - the name of a variable
"""Environment variable with the passphrase of an encrypted key."""


def load_identity(spec: str) -> Identity:
    """Load the identity that a person means; see `find_identity`. Raises `IdentityError`."""
    try:
        return find_identity(spec, os.environ, os.environ.get(PASSPHRASE))
    except IdentityError as error:
        if "passphrase is needed" in str(error):
            raise IdentityError(f"{error}; set it in {PASSPHRASE}") from None
        raise


def own_identity(state_dir: Path) -> Identity:
    """Load the key kept in `state_dir`; on first use make an Ed25519 key that only its owner may read."""
    path = state_dir / OWN_KEY
    if not path.exists():
        write_once(path, dump_pem(Ed25519Identity.generate()))
    return load_pem(path)
