"""The fixtures of the crash sweep and of the explorer of message orders, and the marker of the sweep.

`@pytest.mark.crash_sweep(parts=4, kinds=["trap"])`: options of the sweep; `parts` divides its runs among so many tests,
which workers of pytest-xdist take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from ic_harness.networks import Network
    from ic_harness.principal import Principal
    from ic_harness.testing.crash_sweep import SweepResult
    from ic_harness.testing.interleavings import ExploreResult

    from .session_network import SessionNetwork

SWEEP_MARKER: Final = "crash_sweep"
_PARTS: Final = "parts"
_PART: Final = "ic_sweep_part"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test with the marker `crash_sweep(parts=n)` n tests, each of which makes its part of the runs."""
    marker = metafunc.definition.get_closest_marker(SWEEP_MARKER)
    parts = 1 if marker is None else marker.kwargs.get(_PARTS, 1)
    if _PART in metafunc.fixturenames and parts != 1:
        if not isinstance(parts, int) or parts < 1:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: crash_sweep(parts=…) is a number from 1")
        values = [(number, parts) for number in range(1, parts + 1)]
        metafunc.parametrize(_PART, values, ids=[f"part-{part}-of-{parts}" for part, _ in values])


@pytest.fixture
def ic_sweep_part() -> tuple[int, int]:
    """Return which part of a sweep the test makes, such as (1, 4)."""
    return (1, 1)


@pytest.fixture
def ic_crash_sweep(
    request: pytest.FixtureRequest,
    ic_network: Network,
    ic_session: SessionNetwork,
    ic_sweep_part: tuple[int, int],
) -> Callable[..., SweepResult]:
    """Sweep failures: `crash_sweep(scenario, invariant)` runs the scenario again with each failure that it may meet.

    Options are those of `SweepOptions`, as arguments or of the marker `crash_sweep`.
    """
    from ic_harness.testing.crash_sweep import crash_sweep  # lazy: start-up time  # noqa: PLC0415

    marker = request.node.get_closest_marker(SWEEP_MARKER)
    asked = {} if marker is None else {key: it for key, it in marker.kwargs.items() if key != _PARTS}

    def run(scenario: Callable[[], Any], invariant: Callable[..., Any], **options: Any) -> SweepResult:
        chosen = {"canisters": _named(ic_session), "part": ic_sweep_part, **asked, **options}
        return crash_sweep(ic_network, scenario, invariant, **chosen)

    return run


@pytest.fixture
def ic_explore(ic_network: Network, ic_session: SessionNetwork) -> Callable[..., ExploreResult]:
    """Explore orders: `explore({"alice": alice, "bob": bob}, invariant)` runs callers in every order of their messages.

    Options are those of `ExploreOptions`.
    """
    from ic_harness.testing.interleavings import explore  # lazy: start-up time  # noqa: PLC0415

    def run(
        actors: Mapping[str, Callable[[], Any]], invariant: Callable[..., Any], **options: Any
    ) -> ExploreResult:
        return explore(ic_network, actors, invariant, **{"canisters": _named(ic_session), **options})

    return run


@pytest.fixture
def explore(ic_explore: Callable[..., ExploreResult]) -> Callable[..., ExploreResult]:
    """Return `ic_explore`: `explore({"alice": alice, "bob": bob}, invariant)`."""
    return ic_explore


def _named(session: SessionNetwork) -> dict[str, Principal]:
    """Return the canisters of the test by name; of those with one name all but the first by their ids."""
    named: dict[str, Principal] = {}
    for canister, name in session.names.items():
        named[name if name not in named else str(canister)] = canister
    return named


@pytest.fixture
def crash_sweep(ic_crash_sweep: Callable[..., SweepResult]) -> Callable[..., SweepResult]:
    """Return `ic_crash_sweep`: `crash_sweep(scenario, invariant)`."""
    return ic_crash_sweep
