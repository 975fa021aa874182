"""A stage on the reference backend, and earlier builds of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.suite.context import CheckContext

MIGRATIONS = Path(__file__).resolve().parents[3] / "fixtures" / "migrations"


@pytest.fixture
def stage_on(network, ic_session, request):
    """Set a stage on a canister of the network; its upgrades go to the present build."""

    def on(canister):
        return CheckContext(
            network,
            canister,
            lambda name: ic_session.identity(request.node.nodeid, name),
            controller=network.deployer,
            upgrade=lambda: network.install(canister, reference_wasm(), mode="upgrade"),
        )

    return on


@pytest.fixture
def stage(stage_on, canister_id):
    """A stage on the present build."""
    return stage_on(canister_id)


@pytest.fixture
def alice(stage):
    """The first caller."""
    return stage.caller("alice")


@pytest.fixture(params=sorted(path.name for path in MIGRATIONS.glob("*.wasm.gz")))
def earlier(request, stage_on, network):
    """A stage on an earlier build that has its randomness already."""
    canister = network.deploy((MIGRATIONS / request.param).read_bytes())
    for _ in range(5):
        network.tick()
    return stage_on(canister)
