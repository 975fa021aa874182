"""`ic-harness fork`: the state of a canister, downloaded to be run in the embedded replica."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .connection import ConnectionOptions
from .examples import examples
from .fork_options import passphrase_option
from .options import complete_later, connection_options, json_option
from .snapshot import SnapshotId, quiet_option, showing_progress


@examples(
    "ic-harness fork ic:backend --identity key.pem",
    "ic-harness gate --wasm new.wasm.gz --baseline fork:backend.fork",
)
@click.command()
@click.argument("canister", metavar="[NETWORK:]CANISTER", shell_complete=complete_later("canisters"))
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--snapshot",
    "identifier",
    type=SnapshotId(),
    help="A snapshot that is there; else one is taken and deleted again.",
)
@click.option("--encrypt", is_flag=True, help="Encrypt everything that is written, by a passphrase.")
@passphrase_option
@quiet_option
@connection_options
@json_option
def fork(
    *,
    canister: str,
    folder: Path | None,
    identifier: bytes | None,
    encrypt: bool,
    passphrase_file: Path | None,
    quiet: bool,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Download the state of CANISTER into the new FOLDER (CANISTER.fork), to run it on this machine.

    `ic-harness gate --baseline fork:FOLDER` rehearses an upgrade on it, `network.load_fork(FOLDER)` loads it in a test.
    The caller must be a controller. The canister itself is not changed: a snapshot is taken, read and deleted.
    Interrupted, the same command continues.
    """
    from ic_harness.networks import fork_canister  # lazy: start-up time  # noqa: PLC0415

    from .forks import origin_session, passphrase  # lazy: start-up time  # noqa: PLC0415

    name = folder or Path(f"{canister.rpartition(':')[2]}.fork")
    encrypted = encrypt or passphrase_file is not None
    secret = passphrase(passphrase_file, confirm=True) if encrypted else None
    with (
        origin_session(connection, canister) as (session, target),
        showing_progress("fork", quiet=quiet) as progress,
    ):
        manifest = fork_canister(
            session.network,
            target,
            name,
            identity=session.identity,
            snapshot=identifier,
            passphrase=secret,
            progress=progress,
        )
    shown = {
        "canister_id": str(target),
        "folder": str(name),
        "bytes": manifest.total,
        "module_hash": manifest.digests["wasm_module.bin"],
        "encrypted": encrypted,
    }
    done = f"{name}: the state of {target}, {manifest.total:,} bytes{', encrypted' if encrypted else ''}"
    click.echo(json.dumps(shown) if as_json else done)
