"""The stage of each test: the canister under test, callers of its own, and a state that is put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.stage import Stage
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal


def _target(canister: str | None, network: Network, wasm: Path | None) -> str:
    """How a person reaches what is tested, for the reproduction of a failure."""
    if canister is not None:
        return f"{network.url or network.name}:{canister}"
    return str(wasm) if wasm else "reference"


@pytest.fixture
def stage(request: pytest.FixtureRequest, network: Network, canister_id: Principal) -> Stage:
    """Set the stage for one check."""
    lab = request.getfixturevalue("ic_lab")
    owns = lab.options.canister_id is None and Capability.UPGRADE in network.capabilities
    path = lab.options.wasm
    wasm = path.read_bytes() if path else reference_wasm()
    return Stage(
        network,
        canister_id,
        lambda name: lab.identity(request.node.nodeid, name),
        controller=network.deployer if owns else None,
        upgrade=(lambda: network.install(canister_id, wasm, mode="upgrade")) if owns else None,
        target=_target(lab.options.canister_id, network, path),
    )
