"""Opens networks by the names that users type; the code of a network loads when it is opened."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ic_harness.errors import InputError
from ic_harness.protocol import Identity
from ic_harness.urls import public_url

from .mainnet import MAINNET, MAINNET_URL, mainnet_canister
from .network import Network

if TYPE_CHECKING:
    from .embedded_network import EmbeddedNetwork
    from .named_network import NamedNetwork
    from .pocket_ic_network import PocketIcNetwork
    from .url_network import UrlNetwork

NAMES: Final = ("embedded", "dfx", "icp", "pocket-ic", "ic")
"""The networks that have a name; every other network is given by its URL."""

STARTED: Final = ("dfx:start", "icp:start")
"""Names of networks that are started when they do not run, and then stopped at the end."""

SPECS: Final = "embedded, dfx, icp (running; dfx:start and icp:start start it), pocket-ic, ic, or a URL"
"""Everything that `open_network` takes, for a help text."""

DEFAULT_SEED: Final = b"ic-harness embedded network"
"""Determines root key and randomness of an embedded network in memory, so that runs are reproducible."""


def embedded(
    state_dir: Path | None = None,
    *,
    seed: bytes | None = None,
    deployer: Identity | None = None,
    latency: str = "none",
    nodes: int = 13,
) -> EmbeddedNetwork:
    """Start an embedded network.

    With `state_dir` it is kept there and goes on where it stopped; without, it is gone when closed. `seed`
    decides root key and randomness; without one each state folder draws its own. `latency` is `none`, or
    `mainnet` to make clients wait as there; `nodes` is the size of the subnet, by which outcalls are paid.

    Raises `StateError` when the folder is damaged or in use.
    """
    from ic_harness.replica import PRESETS, Replica, ReplicaConfig  # lazy: start-up time  # noqa: PLC0415

    from .embedded_network import EmbeddedNetwork  # lazy: start-up time  # noqa: PLC0415

    default = DEFAULT_SEED if state_dir is None else None
    if latency not in PRESETS:
        raise InputError(f"no latency {latency!r}; there are: {', '.join(PRESETS)}")
    config = ReplicaConfig(seed=seed or default, state_dir=state_dir, latency=PRESETS[latency], nodes=nodes)
    replica = Replica(config)
    return EmbeddedNetwork(replica, deployer)


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


def open_network(spec: str, state_dir: Path | None = None, *, deployer: Identity | None = None) -> Network:
    """Open the network that `spec` names: one of `NAMES` or `STARTED`, or a URL.

    `state_dir` keeps the state of an embedded network or of PocketIC (None: in memory only); other networks
    ignore it. `deployer` makes and controls canisters. Raises `InputError` when there is no such network,
    `NetworkError` when it does not run or cannot be started, `StateError` when the state folder is damaged
    or in use.
    """
    name, _, start = spec.partition(":")
    if "://" in spec:
        return connect(spec, deployer=deployer)
    if spec not in NAMES + STARTED:
        raise InputError(
            f"no network {public_url(spec)!r}: there are {', '.join(NAMES)}, {' and '.join(STARTED)}, or give a URL"
        )
    if name == "dfx":
        return dfx(start=bool(start), deployer=deployer)
    if name == "icp":
        return icp(start=bool(start), deployer=deployer)
    if name == "pocket-ic":
        kept = None if state_dir is None else state_dir / name
        return pocket_ic(state_dir=kept, deployer=deployer)
    return ic(deployer=deployer) if name == MAINNET else embedded(state_dir, deployer=deployer)
