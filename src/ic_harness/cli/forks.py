"""Forks for commands: their passphrases, and the baseline of the gate."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import EmbeddedNetwork, Network, fork_canister
from ic_harness.networks.forks import is_encrypted, read_fork
from ic_harness.principal import Principal

from .connection import ConnectionOptions
from .fork_options import PASSPHRASE_VARIABLE
from .gate_options import Asked
from .session import Session, open_session

_PREFIX = "fork:"


@dataclass(frozen=True, slots=True)
class LoadedFork:
    """A fork that was loaded into the network: its canister, and the module that it had."""

    canister: Principal
    wasm: bytes


def passphrase(file: Path | None, *, confirm: bool = False) -> str:
    """Return the passphrase: of the file, of the environment, or asked for; `confirm` asks twice.

    Raises `InputError` where there is none and no terminal to ask at.
    """
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the passphrase file {file}: {error}") from error
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise InputError(f"the passphrase is needed: give --passphrase-file, or set {PASSPHRASE_VARIABLE}")
    asked: str = click.prompt(
        "Passphrase of the fork", hide_input=True, confirmation_prompt=confirm, err=True
    )
    return asked


@contextmanager
def origin_session(connection: ConnectionOptions, source: str) -> Iterator[tuple[Session, Principal]]:
    """Open the network of `NETWORK:CANISTER`, or of `--network` where only a canister is named.

    Raises `InputError` when there is no such canister.
    """
    network, _, canister = source.rpartition(":")
    with open_session(replace(connection, network=network) if network else connection) as session:
        yield session, session.target(canister)


def load_baseline(asked: Asked, network: Network) -> LoadedFork | None:
    """Load the fork that `--baseline fork:…` names; None where the baseline is none.

    `fork:NETWORK:CANISTER` is downloaded into the state folder first, and deleted from there when it is loaded.
    Raises `InputError` for a fork that cannot be read, and where the network cannot run one.
    """
    if asked.baseline is None or not asked.baseline.startswith(_PREFIX):
        return None
    if not isinstance(network, EmbeddedNetwork) or asked.canister_id is not None:
        raise InputError(
            f"--baseline {asked.baseline}: a fork runs on an embedded network only; leave --network out"
        )
    source = asked.baseline.removeprefix(_PREFIX)
    path = Path(source)
    if path.exists():
        return _loaded(network, path, asked.passphrase_file)
    if ":" not in source:
        raise InputError(
            f"--baseline {asked.baseline}: there is no such folder; a canister is fork:NETWORK:CANISTER"
        )
    with origin_session(asked.connection, source) as (session, canister):
        path = asked.connection.state_dir / "forks" / f"{canister}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fork_canister(session.network, canister, path, identity=session.identity)
    try:
        return _loaded(network, path, None)
    finally:
        shutil.rmtree(path)


def _loaded(network: EmbeddedNetwork, path: Path, file: Path | None) -> LoadedFork:
    secret = passphrase(file) if is_encrypted(path) else None
    canister, wasm = read_fork(path, secret)
    network.load_fork(path, passphrase=secret)
    return LoadedFork(canister, wasm)
