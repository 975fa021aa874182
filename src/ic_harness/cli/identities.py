"""Whom the command line calls as: a key file, or one that it makes and keeps."""

from __future__ import annotations

from pathlib import Path

from ic_harness.errors import IdentityError
from ic_harness.protocol import Ed25519Identity, Identity, dump_pem, load_pem

from .files import write_once


def load_identity(path: Path) -> Identity:
    """Read a PEM key file. Raises `IdentityError` that names the file when it holds no usable key."""
    try:
        return load_pem(path.read_bytes())
    except OSError as error:
        raise IdentityError(f"cannot read the key {path}: {error.strerror}") from error
    except IdentityError as error:
        raise IdentityError(f"{path}: {error}") from error


def own_identity(state_dir: Path) -> Identity:
    """Load the key kept in `state_dir`; on first use make an Ed25519 key that only its owner may read."""
    path = state_dir / "identity.pem"
    if not path.exists():
        write_once(path, dump_pem(Ed25519Identity.generate()))
    return load_identity(path)
