"""Loads a fork into the embedded replica, under the canister's own id.

The content is read slice by slice, so the process needs no more memory than the canister itself; slices of zeros take
none.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

from ic_harness.agent import Management
from ic_harness.errors import HttpStatusError, InputError, RejectError
from ic_harness.networks.canister import Canister
from ic_harness.networks.canister_lifecycle import Build, Installed
from ic_harness.networks.interfaces import interface_of
from ic_harness.networks.network import Network
from ic_harness.networks.snapshot_files.manifest import Manifest
from ic_harness.principal import Principal
from ic_harness.replica import Replica
from ic_harness.replica.testing.canister_states import CanisterState, load_canister

from .folder import ForkContent, ForkFolder, open_fork
from .origin import Origin

_FORMATS: Final = {"i32": ("<i", "<I"), "i64": ("<q", "<Q"), "f32": ("<f", "<I"), "f64": ("<d", "<Q")}
_MIN_CYCLES: Final = 10**15
"""Cycles that a fork gets at least: a rehearsal must not fail because its copy cannot pay."""


def load_fork(
    network: Network,
    replica: Replica,
    folder: Path,
    *,
    passphrase: str | None = None,
    timer: bool = False,
) -> Canister:
    """Make a canister of a fork under its own id: code, memories, certified data, chunks and settings.

    `replica` is that of the embedded `network`.

    Its controllers are those of the origin and the network's deployer, as whom the returned client calls. Its balance
    is that of the origin, at least 10^15 cycles. The global timer is off, as after `load_canister_snapshot`, unless
    `timer` is set.

    Raises `InputError` for a damaged fork, a wrong passphrase, and an id that the network has already or cannot have.
    """
    fork = open_fork(folder, passphrase)
    try:
        manifest, origin = fork.content.check(), fork.read_origin()
        _create(network, origin)
        state = _state(fork.content, manifest, timer=timer)
        load_canister(replica.node_of(manifest.canister), replica.canister(manifest.canister), state)
    finally:
        fork.content.close()
    return _client(network, fork, manifest)


def _create(network: Network, origin: Origin) -> None:
    if network.exists(origin.canister):
        raise InputError(
            f"the network has a canister {origin.canister} already: load a fork before other canisters are created"
        )
    deployer = network.deployer.principal
    controllers = list(dict.fromkeys((deployer, *origin.controllers[:9])))
    try:
        network.create_canister(
            controllers=controllers, canister_id=origin.canister, cycles=max(origin.cycles, _MIN_CYCLES)
        )
    except (HttpStatusError, RejectError) as error:
        raise InputError(
            f"canister {origin.canister} cannot be loaded here: {error}. A network of one subnet takes every id: leave "
            "`subnets` out"
        ) from error
    variables = [{"name": name, "value": value} for name, value in origin.environment.items()]
    settings: dict[str, Any] = {**origin.settings, "environment_variables": variables}
    Management(network.agent(network.deployer)).update_settings(origin.canister, settings)


def _state(content: ForkContent, manifest: Manifest, *, timer: bool) -> CanisterState:
    due = manifest.metadata["global_timer"] or {}
    return CanisterState(
        module=_module(content, manifest),
        heap=(manifest.size("wasm_memory"), content.slices(manifest, "wasm_memory")),
        stable=(manifest.size("stable_memory"), content.slices(manifest, "stable_memory")),
        globals_=tuple(_bits(*next(iter(one.items()))) for one in manifest.metadata["globals"]),
        certified_data=manifest.metadata["certified_data"],
        chunks=[content.chunk(digest) for digest in manifest.chunks],
        version=manifest.metadata["canister_version"],
        global_timer_ns=due.get("active", 0) if timer else 0,
    )


def _module(content: ForkContent, manifest: Manifest) -> bytes:
    whole = bytearray(manifest.size("wasm_module"))
    for offset, part in content.slices(manifest, "wasm_module"):
        whole[offset : offset + len(part)] = part
    return bytes(whole)


def _bits(kind: str, value: float) -> int:
    """Return the bits of a global as an unsigned integer."""
    if kind not in _FORMATS:
        return int(value)
    form, pattern = _FORMATS[kind]
    found: int = struct.unpack(pattern, struct.pack(form, value))[0]
    return found


def _client(network: Network, fork: ForkFolder, manifest: Manifest) -> Canister:
    wasm = fork_module(fork, manifest)
    service, types = interface_of(wasm)
    build = Build(wasm=wasm, service=service, init_types=types)
    installed = Installed(service=service, build=build)
    return Canister(network, manifest.canister, identity=network.deployer, installed=installed)


def fork_module(fork: ForkFolder, manifest: Manifest) -> bytes:
    """Return the module of a fork as it was installed."""
    try:
        return _module(fork.content, manifest)
    finally:
        fork.content.close()


def read_fork(folder: Path, passphrase: str | None = None) -> tuple[Principal, bytes]:
    """Return the canister id of a fork and its module. Raises `InputError` for a damaged fork, a wrong passphrase."""
    fork = open_fork(folder, passphrase)
    manifest = fork.content.load()
    return manifest.canister, fork_module(fork, manifest)
