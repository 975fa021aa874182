"""Forks a canister: downloads its snapshot with what `load_fork` needs to run it in the embedded replica.

The origin sees only calls that read, and those that take and delete the snapshot:

    canister_status, take_canister_snapshot, read_canister_snapshot_metadata, read_canister_snapshot_data,
    delete_canister_snapshot, and read_state of the module's hash
"""

from __future__ import annotations

from pathlib import Path

from ic_harness.agent import Management
from ic_harness.errors import InputError
from ic_harness.networks.network import Network
from ic_harness.networks.snapshot_files.download import (
    Progress,
    begin_folder,
    download_content,
    unwatched,
)
from ic_harness.networks.snapshot_files.manifest import Manifest
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .folder import ForkFolder, begin_fork
from .origin import Origin


def fork_canister(
    network: Network,
    canister: Principal,
    folder: Path,
    *,
    identity: Identity | None = None,
    snapshot: bytes | None = None,
    passphrase: str | None = None,
    progress: Progress = unwatched,
) -> Manifest:
    """Download the state of a canister into a new folder, for `load_fork` and `ic-harness gate --baseline fork:…`.

    A snapshot is taken and deleted afterwards, unless `snapshot` is the id of one. `identity` is a controller (None:
    the network's deployer). With a `passphrase` everything that is written is encrypted. Interrupted or killed, the
    same call continues. The module must have the SHA-256 that the network certifies.

    Raises `InputError` for a folder that exists or cannot be written, for a wrong passphrase, and for a module that
    is not the certified one; `RejectError` where the caller is no controller.
    """
    management = Management(network.agent(identity or network.deployer))
    part = begin_folder(folder)
    part.chmod(0o700)
    fork = begin_fork(part, passphrase)
    if not fork.has_origin():
        fork.write_origin(Origin.read(network, management, canister))
    return download_content(
        management,
        canister,
        folder,
        fork.content,
        snapshot=snapshot,
        progress=progress,
        check=lambda manifest: _check_module(fork, manifest),
    )


def _check_module(fork: ForkFolder, manifest: Manifest) -> None:
    """Compare the module with the certified hash, where the snapshot was taken for the fork."""
    found, certified = manifest.digests["wasm_module.bin"], fork.read_origin().module_hash.hex()
    if manifest.temporary and found != certified:
        raise InputError(
            f"the snapshot of {manifest.canister} has the module {found}, but the network certified {certified}: the "
            f"canister was upgraded while it was forked; delete {fork.path} and fork it again"
        )
