"""A function for each kind of network that opens it; the code of a network loads when it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ic_harness.errors import InputError
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.suggestions import suggest

from .mainnet import MAINNET, MAINNET_URL, mainnet_canister

if TYPE_CHECKING:
    from ic_harness.replica import SubnetSpec

    from .embedded_network import EmbeddedNetwork
    from .named_network import NamedNetwork
    from .pocket_ic_network import PocketIcNetwork
    from .system_canisters import IcpChoice
    from .url_network import UrlNetwork

DEFAULT_SEED: Final = b"ic-harness embedded network"
"""Determines root key and randomness of an embedded network in memory, so that runs are reproducible."""


def _check_name(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise InputError(f"no {what} {name!r}; {suggest(name, known)}")


def embedded(
    state_dir: Path | None = None,
    *,
    seed: bytes | None = None,
    deployer: Identity | None = None,
    latency: str = "none",
    nodes: int = 13,
    cost_schedule: str = "normal",
    subnets: str | Mapping[str, int] | Sequence[SubnetSpec] | None = None,
    durable: bool = False,
    subnet_admins: Sequence[Principal] = (),
    history: bool = False,
    icp: IcpChoice | None = None,
    threshold_keys: Sequence[str] = (),
    slice_instructions: int = 2_000_000_000,
    round_instructions: int = 4_000_000_000,
) -> EmbeddedNetwork:
    """Start an embedded network.

    With `state_dir` it is kept there and goes on where it stopped; without, it is gone when closed. `seed`
    decides root key and randomness; without one each state folder draws its own. `latency` is `none`, or
    `mainnet` to make clients wait as there; `nodes` is the size of the subnet, by which everything is paid;
    with the `cost_schedule` `free` instead of `normal` nothing costs cycles.
    With `durable` every round is forced to the disk before its answers are out, so that a power cut loses none.
    `subnet_admins` may list all canisters. With `history` all that reaches the network is recorded, for
    `network.history`; a state folder must be new then.

    `subnets` are such as `"application=2,nns"` or `{"application": 2, "nns": 1}`; several without an NNS get one,
    which is the root. None is one application subnet, or the subnets that the folder has.

    `icp` installs the Internet Computer's own canisters at their ids on mainnet: `"stand-ins"` for the stand-ins of
    this package, `"project"` (or its folder) for those that `ic-harness.toml` names, or a mapping such as
    `{"ledger": "ledger.wasm"}`. Subnets that are described by text or mapping get those that the ids need.

    `threshold_keys` are names of further threshold keys, which cost what test keys cost; a folder does not keep them.

    Messages of more than `slice_instructions` (from 1,000,000 on) go on in the next rounds, a slice in each; beyond
    `round_instructions` a canister begins no message in a round.

    Raises `StateError` when the folder is damaged, in use, or has other subnets, `InputError` for unknown names, wrong
    numbers, subnets that cannot be, and a module that is missing.
    """
    from ic_harness.replica import (  # lazy: start-up time  # noqa: PLC0415
        PRESETS,
        CostSchedule,
        Replica,
        ReplicaConfig,
        check_key_names,
        parse_subnets,
    )

    from .embedded_network import EmbeddedNetwork  # lazy: start-up time  # noqa: PLC0415

    _check_name("latency", latency, PRESETS)
    _check_name("cost schedule", cost_schedule, list(CostSchedule))
    if icp is not None:
        from .system_canisters import select_icp, with_kinds  # lazy: start-up time  # noqa: PLC0415

        chosen = select_icp(icp)
        subnets = with_kinds(subnets, chosen)
    config = ReplicaConfig(
        seed=seed or (DEFAULT_SEED if state_dir is None else None),
        state_dir=state_dir,
        latency=PRESETS[latency],
        nodes=nodes,
        cost_schedule=CostSchedule(cost_schedule),
        subnets=None if subnets is None else parse_subnets(subnets, nodes=nodes),
        durable=durable,
        subnet_admins=tuple(subnet_admins),
        threshold_keys=check_key_names(threshold_keys),
        slice_instructions=slice_instructions,
        round_instructions=round_instructions,
    )
    network = EmbeddedNetwork(Replica(config), deployer)
    try:
        if history:
            network.record()
        if icp is not None:
            from .system_canisters.clients import install_into  # lazy: start-up time  # noqa: PLC0415

            install_into(network, chosen)
    except BaseException:
        network.close()
        raise
    return network


def connect(url: str, *, root_key: bytes | None = None, deployer: Identity | None = None) -> UrlNetwork:
    """Reach the network at `url` (HTTP or HTTPS); `root_key` (DER) replaces asking it for its key.

    Raises `InputError` when `url` is no address. Nothing is sent before the network is used.
    """
    from .url_network import UrlNetwork  # lazy: start-up time  # noqa: PLC0415

    return UrlNetwork(url, deployer, root_key=root_key)


def dfx(folder: Path | None = None, *, start: bool = False, deployer: Identity | None = None) -> NamedNetwork:
    """Reach the local network of dfx, for the project in `folder` (the current one) if there is one.

    With `start` it is started clean when it does not run, and stopped when the network is closed. Raises
    `InputError` for a damaged `dfx.json` or `networks.json`, `NetworkError` when it does not run or start.
    """
    from .dfx_network import open_dfx  # lazy: start-up time  # noqa: PLC0415

    return open_dfx(folder, start=start, deployer=deployer)


def icp(folder: Path | None = None, *, start: bool = False, deployer: Identity | None = None) -> NamedNetwork:
    """Reach the local network of icp-cli for the project in `folder` (the current one).

    With `start` it is started when it does not run, and stopped when the network is closed. Raises
    `InputError` without an `icp.yaml` or for a damaged one, `NetworkError` when it does not run or start.
    """
    from .icp_network import open_icp  # lazy: start-up time  # noqa: PLC0415

    return open_icp(folder, start=start, deployer=deployer)


def pocket_ic(
    *,
    server_url: str | None = None,
    state_dir: Path | None = None,
    live: bool = False,
    deployer: Identity | None = None,
) -> PocketIcNetwork:
    """Make a PocketIC instance on a server started for it (POCKET_IC_BIN or PATH), or on one at `server_url`.

    `state_dir` keeps its state. `live` lets time and rounds go by themselves, and other programs in. Raises
    `NetworkError` when there is no binary, or it does not get ready.
    """
    from .pocket_ic_network import open_pocket_ic  # lazy: start-up time  # noqa: PLC0415

    return open_pocket_ic(server_url=server_url, state_dir=state_dir, live=live, deployer=deployer)


def ic(folder: Path | None = None, *, deployer: Identity | None = None) -> NamedNetwork:
    """Reach the Internet Computer; canisters of the project in `folder` (the current one) have names there."""
    from .named_network import NamedNetwork  # lazy: start-up time  # noqa: PLC0415

    lookup = partial(mainnet_canister, folder or Path())
    return NamedNetwork(MAINNET, MAINNET_URL, deployer, lookup=lookup)
