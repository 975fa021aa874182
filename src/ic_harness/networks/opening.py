"""The one place where a network is looked up by the name that a person types; its code loads when used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ic_harness.errors import InputError
from ic_harness.protocol import Identity

from .mainnet import MAINNET_URL
from .network import Network

if TYPE_CHECKING:
    from .in_process import EmbeddedNetwork
    from .url import UrlNetwork

NAMES: Final = ("embedded", "ic")
"""The networks that have a name; every other network is given by its URL."""

DEFAULT_SEED: Final = b"ic-harness embedded network"
"""Fixes root key and randomness of an embedded network in memory, so that two runs see the same."""


def embedded(
    state_dir: Path | None = None,
    *,
    seed: bytes | None = None,
    deployer: Identity | None = None,
    latency: str = "none",
) -> EmbeddedNetwork:
    """Start an embedded network.

    With `state_dir` it is kept there and goes on where it stopped; without, it is gone when closed. `seed`
    decides root key and randomness; without one each state folder draws its own. `latency` is `none`, or
    `mainnet` to make clients wait as there. Raises `StateError` when the folder is damaged or in use.
    """
    from ic_harness.replica import PRESETS, Replica, ReplicaConfig  # lazy: start-up time  # noqa: PLC0415

    from .in_process import EmbeddedNetwork  # lazy: start-up time  # noqa: PLC0415

    default = DEFAULT_SEED if state_dir is None else None
    if latency not in PRESETS:
        raise InputError(f"no latency {latency!r}; there are: {', '.join(PRESETS)}")
    replica = Replica(ReplicaConfig(seed=seed or default, state_dir=state_dir, latency=PRESETS[latency]))
    return EmbeddedNetwork(replica, deployer)


def connect(url: str, *, root_key: bytes | None = None, deployer: Identity | None = None) -> UrlNetwork:
    """Reach the network at `url` (HTTP or HTTPS); `root_key` (DER) replaces asking it for its key.

    Raises `InputError` when `url` is no address. Nothing is sent before the network is used.
    """
    from .url import UrlNetwork  # lazy: start-up time  # noqa: PLC0415

    return UrlNetwork(url, deployer, root_key=root_key)


def open_network(spec: str, state_dir: Path | None = None, *, deployer: Identity | None = None) -> Network:
    """Open the network that `spec` names: `embedded`, `ic`, or a URL.

    `state_dir` keeps the state of an embedded network (None: in memory only); other networks ignore it.
    `deployer` makes and controls canisters. Raises `InputError` when there is no such network, `StateError`
    when the state folder is damaged or in use.
    """
    if spec == "embedded":
        return embedded(state_dir, deployer=deployer)
    if spec == "ic":
        return connect(MAINNET_URL, deployer=deployer)
    if "://" in spec:
        return connect(spec, deployer=deployer)
    raise InputError(f"no network {spec!r}: there are {', '.join(NAMES)}, or give a URL")
