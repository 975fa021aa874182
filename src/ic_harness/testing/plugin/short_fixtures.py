"""The fixtures under their short names, which give way: a project's own fixture replaces only the alias."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ic_harness.networks import Canister, Network
    from ic_harness.principal import Principal
    from ic_harness.testing.growth import Growth
    from ic_harness.testing.target import Target

    from .deployer import Deployer
    from .fixture_types import Identities
    from .network_clock import Clock


@pytest.fixture
def network(ic_network: Network) -> Network:
    """Return `ic_network`: a running network in a state of the test's own."""
    return ic_network


@pytest.fixture
def identity(ic_identity: Identities) -> Identities:
    """Return `ic_identity`: `identity("alice")` is one caller of the test; `identity` itself is the test's own."""
    return ic_identity


@pytest.fixture
def canister_id(ic_canister_id: Principal) -> Principal:
    """Return `ic_canister_id`: the id of the canister under test."""
    return ic_canister_id


@pytest.fixture
def target(ic_target: Target) -> Target:
    """Return `ic_target`: the canister under test with callers by name, `upgrade` and `advance`."""
    return ic_target


@pytest.fixture
def canister(ic_canister: Canister) -> Canister:
    """Return `ic_canister`: a client of the canister under test that calls as the test's own identity."""
    return ic_canister


@pytest.fixture
def deploy(ic_deploy: Deployer) -> Deployer:
    """Return `ic_deploy`: `deploy("name")`, `deploy("path.wasm")`, `deploy.cargo("crate")`, `deploy.moc("main.mo")`."""
    return ic_deploy


@pytest.fixture(scope="module")
def module_deploy(ic_module_deploy: Deployer) -> Deployer:
    """Return `ic_module_deploy`: `deploy` for a fixture of module scope."""
    return ic_module_deploy


@pytest.fixture(scope="session")
def session_deploy(ic_session_deploy: Deployer) -> Deployer:
    """Return `ic_session_deploy`: `deploy` for a fixture of session scope."""
    return ic_session_deploy


@pytest.fixture
def faults(ic_faults: Callable[..., None]) -> Callable[..., None]:
    """Return `ic_faults`: `faults("drop_reply", method="uploads_put_chunk", after=2)`."""
    return ic_faults


@pytest.fixture
def clock(ic_clock: Clock) -> Clock:
    """Return `ic_clock`: the network's clock, such as `clock.advance(60)`."""
    return ic_clock


@pytest.fixture
def grow(ic_grow: Callable[..., Growth]) -> Callable[..., Growth]:
    """Return `ic_grow`: `grow(workload)` measures how the costs of `workload(n)` grow with n."""
    return ic_grow
