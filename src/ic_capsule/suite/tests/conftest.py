"""The context of each test: the canister under test, with callers of its own, and a state that is restored."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.context import CheckContext
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal


def _target(canister: str | None, network: Network, wasm: Path | None) -> str:
    """Return the path or address of the tested canister, for the reproduction of a failure."""
    if canister is not None:
        return f"{network.url or network.name}:{canister}"
    return str(wasm) if wasm else "reference"


@pytest.fixture
def context(request: pytest.FixtureRequest, ic_network: Network, ic_canister_id: Principal) -> CheckContext:
    """Return the context of one check."""
    session = request.getfixturevalue("ic_session")
    owns = session.options.canister_id is None and Capability.UPGRADE in ic_network.capabilities
    path = session.options.wasm
    wasm = path.read_bytes() if path else reference_wasm()
    return CheckContext(
        ic_network,
        ic_canister_id,
        lambda name: session.identity(request.node.nodeid, name),
        controller=ic_network.deployer if owns else None,
        upgrade=(lambda: ic_network.install(ic_canister_id, wasm, mode="upgrade")) if owns else None,
        target=_target(session.options.canister_id, ic_network, path),
    )
