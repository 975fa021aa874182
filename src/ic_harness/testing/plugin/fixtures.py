"""The fixtures. Everything heavy is imported when a test first asks for one of them.

They use each other by the names with the prefix only, so that a project may have fixtures such as `network` of its own;
the short names are in `short_fixtures`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from .limits import history_of, limited, limits_of, subnets_of
from .options import read_options
from .reporting import COLLECTOR, GROWTH, METRICS, RUNNING, recorded_events

if TYPE_CHECKING:
    from ic_harness.networks import Canister, Network
    from ic_harness.principal import Principal
    from ic_harness.testing.growth import Growth
    from ic_harness.testing.result_collector import ResultCollector
    from ic_harness.testing.target import Target

    from .deployer import Deployer
    from .fixture_types import Identities
    from .network_clock import Clock
    from .session_network import SessionNetwork


@pytest.fixture(scope="session")
def ic_session(request: pytest.FixtureRequest) -> Iterator[SessionNetwork]:
    """Return the network that all tests of this process share; tests use `ic_network`."""
    from .session_network import SessionNetwork  # lazy: start-up time  # noqa: PLC0415

    session = SessionNetwork(read_options(request.config))
    yield session
    session.close()


@pytest.fixture(scope="session")
def ic_lab(ic_session: SessionNetwork) -> SessionNetwork:
    """Return `ic_session` under its former name, with a warning."""
    warnings.warn("the fixture ic_lab is now ic_session", DeprecationWarning, stacklevel=2)
    return ic_session


@pytest.fixture
def ic_network(request: pytest.FixtureRequest, ic_session: SessionNetwork) -> Iterator[Network]:
    """Return a running network in a state of the test's own; `needs` skips what the network cannot do."""
    from .call_metrics import CallMetrics  # lazy: start-up time  # noqa: PLC0415

    wanted = [name for mark in request.node.iter_markers("needs") for name in mark.args]
    subnets = subnets_of(request.node)
    reason = ic_session.missing([*wanted, "subnets"] if subnets else wanted)
    if reason:
        pytest.skip(reason)
    with (
        ic_session.with_subnets(subnets, history=history_of(request.node)),
        ic_session.test(with_canister="ic_canister_id" in request.fixturenames) as running,
        limited(running, limits_of(request.node)),
    ):
        request.node.stash[METRICS] = CallMetrics(running, ic_session.names)
        request.node.stash[RUNNING] = running, ic_session.names, recorded_events(running)
        yield running


@pytest.fixture
def ic_results(request: pytest.FixtureRequest) -> ResultCollector:
    """Return the collector of a suite test's results, for `--ic-report`."""
    from ic_harness.testing.result_collector import ResultCollector  # lazy: start-up time  # noqa: PLC0415

    results = ResultCollector()
    request.node.stash[COLLECTOR] = results
    return results


@pytest.fixture
def ic_findings(ic_results: ResultCollector) -> ResultCollector:
    """Return `ic_results` under its former name, with a warning."""
    warnings.warn("the fixture ic_findings is now ic_results", DeprecationWarning, stacklevel=2)
    return ic_results


@pytest.fixture
def ic_identity(request: pytest.FixtureRequest, ic_session: SessionNetwork) -> Identities:
    """Return the test's callers: `identity("alice")` is one caller; `identity` itself is the test's own."""
    from .fixture_types import Identities  # lazy: start-up time  # noqa: PLC0415

    return Identities(ic_session, request.node.nodeid)


@pytest.fixture
def ic_canister_id(ic_session: SessionNetwork, ic_network: Network) -> Principal:
    """Return the id of the canister under test: `--canister-id`, the deployed `--wasm`, or the bundled canister."""
    assert ic_network is ic_session.network
    return ic_session.canister()


@pytest.fixture
def ic_target(
    request: pytest.FixtureRequest, ic_session: SessionNetwork, ic_network: Network, ic_canister_id: Principal
) -> Target:
    """Return the canister under test with callers by name, `upgrade` and `advance`, as the gate's functions get it.

    Its Candid interface is `--candid`, else what the canister publishes.
    """
    from ic_harness.networks import Capability, read_interface  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.testing.target import Target  # lazy: start-up time  # noqa: PLC0415

    did, node = ic_session.options.candid, request.node.nodeid
    owned = ic_session.options.canister_id is None and Capability.UPGRADE in ic_network.capabilities
    return Target(
        ic_network,
        ic_canister_id,
        lambda name: ic_session.identity(node, name),
        service=read_interface(did) if did is not None else None,
        controller=ic_network.deployer if owned else None,
        upgrade=(lambda: ic_network.install(ic_canister_id, ic_session.wasm(), mode="upgrade"))
        if owned
        else None,
    )


@pytest.fixture
def ic_canister(ic_target: Target, ic_identity: Identities) -> Canister:
    """Return a client of the canister under test that calls as the test's own identity.

    Methods of its Candid interface are attributes.
    """
    return ic_target.canister(ic_identity())


@pytest.fixture
def ic_deploy(
    ic_network: Network, ic_identity: Identities, ic_session: SessionNetwork, request: pytest.FixtureRequest
) -> Deployer:
    """Deploy a canister: `deploy("name")` from dfx.json or icp.yaml, `deploy("path.wasm")`, `deploy(wasm_bytes)`.

    `deploy.cargo("crate")` and `deploy.moc("main.mo")` build it first.
    """
    from .deployer import Deployer  # lazy: start-up time  # noqa: PLC0415

    assert ic_network is ic_session.network
    return Deployer(ic_session, ic_identity(), request.config.rootpath)


@pytest.fixture
def ic_faults(ic_network: Network) -> Iterator[Callable[..., None]]:
    """Inject faults: `faults("drop_reply", method="uploads_put_chunk", after=2)`; see `Network.inject_fault`.

    Faults that have not happened by the end of the test are cleared; the test is skipped where this is impossible.
    """
    from ic_harness.networks import Capability  # lazy: start-up time  # noqa: PLC0415

    if Capability.FAULTS not in ic_network.capabilities:
        pytest.skip(f"the network {ic_network.name} cannot: faults")
    yield ic_network.inject_fault
    ic_network.clear_faults()


@pytest.fixture
def ic_grow(
    request: pytest.FixtureRequest, ic_session: SessionNetwork, ic_network: Network
) -> Callable[..., Growth]:
    """Measure how costs grow: `grow(workload, sizes=(8, 16, …))` calls `workload(n)` at each size; see `Growth`."""
    from ic_harness.testing.growth import grow  # lazy: start-up time  # noqa: PLC0415

    found = request.node.stash.setdefault(GROWTH, [])

    def run(
        workload: Callable[[int], object], *, sizes: Sequence[int] | None = None, title: str = ""
    ) -> Growth:
        chosen = {} if sizes is None else {"sizes": sizes}
        named = title or request.node.nodeid
        growth = grow(ic_network, workload, names=ic_session.names, title=named, **chosen)
        found.append(growth)
        return growth

    return run


@pytest.fixture
def ic_clock(ic_network: Network) -> Clock:
    """Return the network's clock; the test is skipped where time cannot be moved."""
    from ic_harness.networks import Capability  # lazy: start-up time  # noqa: PLC0415

    from .network_clock import Clock  # lazy: start-up time  # noqa: PLC0415

    if Capability.TIME not in ic_network.capabilities:
        pytest.skip(f"the network {ic_network.name} cannot: time")
    return Clock(ic_network)
