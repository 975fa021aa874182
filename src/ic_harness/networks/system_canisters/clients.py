"""Clients for the Internet Computer's own canisters of an embedded network."""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.networks.canister import Canister
from ic_harness.networks.canister_lifecycle import find_build
from ic_harness.networks.embedded_network import EmbeddedNetwork

from .installation import install_icp
from .selection import Selected


def install_into(network: EmbeddedNetwork, selected: Sequence[Selected]) -> None:
    """Install canisters and put clients for them, as the network's deployer, into `network.icp`.

    The deployer controls them and owns tokens of both ledgers. Raises `InputError` and `RejectError`.
    """
    deployer = network.deployer
    ids = install_icp(
        network.replica, selected, controllers=[deployer.principal], holders=[deployer.principal]
    )
    network.icp = {
        one.canister.name: Canister(
            network,
            ids[one.canister.name],
            identity=deployer,
            service=find_build(one.wasm).service,
        )
        for one in selected
    }
