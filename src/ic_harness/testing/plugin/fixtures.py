"""The fixtures. Everything heavy is imported when a test first asks for one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from .options import read_options
from .reporting import FOUND, WATCH

if TYPE_CHECKING:
    from ic_harness.networks import Canister, Network
    from ic_harness.principal import Principal
    from ic_harness.testing.collecting import Findings
    from ic_harness.testing.target import Target

    from .lab import Lab
    from .tools import Clock, Deployer, Identities


@pytest.fixture(scope="session")
def ic_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Share one network among all tests of this process; tests use `network`."""
    from .lab import Lab  # lazy: start-up time  # noqa: PLC0415

    lab = Lab(read_options(request.config))
    yield lab
    lab.close()


@pytest.fixture
def network(request: pytest.FixtureRequest, ic_lab: Lab) -> Iterator[Network]:
    """Give the test a running network in a state of its own; `needs` skips what the network cannot do."""
    from .watch import Watch  # lazy: start-up time  # noqa: PLC0415

    wanted = [name for mark in request.node.iter_markers("needs") for name in mark.args]
    reason = ic_lab.missing(wanted)
    if reason:
        pytest.skip(reason)
    with ic_lab.test(with_canister="canister_id" in request.fixturenames) as running:
        request.node.stash[WATCH] = Watch(running, ic_lab.names)
        yield running


@pytest.fixture
def ic_findings(request: pytest.FixtureRequest) -> Findings:
    """Take in what a test of a suite finds, for `--ic-report`."""
    from ic_harness.testing.collecting import Findings  # lazy: start-up time  # noqa: PLC0415

    findings = Findings()
    request.node.stash[FOUND] = findings
    return findings


@pytest.fixture
def identity(request: pytest.FixtureRequest, ic_lab: Lab) -> Identities:
    """Make callers: `identity("alice")` is one caller in a test; `identity` itself is the test's own."""
    from .tools import Identities  # lazy: start-up time  # noqa: PLC0415

    return Identities(ic_lab, request.node.nodeid)


@pytest.fixture
def canister_id(ic_lab: Lab, network: Network) -> Principal:
    """Return the id of the canister under test: `--canister-id`, the deployed `--wasm`, or the bundled canister."""
    assert network is ic_lab.network
    return ic_lab.canister()


@pytest.fixture
def target(request: pytest.FixtureRequest, ic_lab: Lab, network: Network, canister_id: Principal) -> Target:
    """Return the canister under test with callers by name, `upgrade` and `advance`, as the gate gives it to functions.

    Its Candid interface is `--candid`, else what the canister publishes.
    """
    from ic_harness.networks import Capability, read_interface  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.testing.target import Target  # lazy: start-up time  # noqa: PLC0415

    did, node = ic_lab.options.candid, request.node.nodeid
    owned = ic_lab.options.canister_id is None and Capability.UPGRADE in network.capabilities
    return Target(
        network,
        canister_id,
        lambda name: ic_lab.identity(node, name),
        service=read_interface(did) if did is not None else None,
        controller=network.deployer if owned else None,
        upgrade=(lambda: network.install(canister_id, ic_lab.wasm(), mode="upgrade")) if owned else None,
    )


@pytest.fixture
def canister(target: Target, identity: Identities) -> Canister:
    """Return a client of the canister under test that calls as the test's own identity.

    Methods of its Candid interface are attributes.
    """
    return target.canister(identity())


@pytest.fixture
def deploy(network: Network, identity: Identities, ic_lab: Lab, request: pytest.FixtureRequest) -> Deployer:
    """Deploy a canister: `deploy("name")` from dfx.json, `deploy("path.wasm")`, or `deploy(wasm_bytes)`."""
    from .tools import Deployer  # lazy: start-up time  # noqa: PLC0415

    assert network is ic_lab.network
    return Deployer(ic_lab, identity(), request.config.rootpath)


@pytest.fixture
def faults(network: Network) -> Iterator[Callable[..., None]]:
    """Order faults: `faults("drop_reply", method="uploads_put_chunk", after=2)`; see `Network.inject_fault`.

    What has not happened by the end of the test is taken back; the test is skipped where it cannot be done.
    """
    from ic_harness.networks import Capability  # lazy: start-up time  # noqa: PLC0415

    if Capability.FAULTS not in network.capabilities:
        pytest.skip(f"the network {network.name} cannot: faults")
    yield network.inject_fault
    network.clear_faults()


@pytest.fixture
def clock(network: Network) -> Clock:
    """Read and move the network's time; the test is skipped where that cannot be done."""
    from ic_harness.networks import Capability  # lazy: start-up time  # noqa: PLC0415

    from .tools import Clock  # lazy: start-up time  # noqa: PLC0415

    if Capability.TIME not in network.capabilities:
        pytest.skip(f"the network {network.name} cannot: time")
    return Clock(network)
