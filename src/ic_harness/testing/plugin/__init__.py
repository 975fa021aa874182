"""The pytest plugin: a network, callers and canisters as fixtures.

Every worker of pytest-xdist has a network of its own. Every test has its own identities, and
where the network can snapshot, everything is put back after each test.
Nothing is imported or started before a test asks for a fixture.
"""

from __future__ import annotations

from .collection import pytest_collection_modifyitems
from .configuration import pytest_configure
from .fixtures import (
    ic_canister,
    ic_canister_id,
    ic_clock,
    ic_deploy,
    ic_faults,
    ic_findings,
    ic_grow,
    ic_identity,
    ic_lab,
    ic_network,
    ic_results,
    ic_session,
    ic_target,
)
from .guarantees import guarantee
from .options import pytest_addoption
from .property_tests import pytest_runtest_call
from .reporting import pytest_runtest_makereport
from .scoped_deploy import ic_module_deploy, ic_session_deploy
from .short_fixtures import (
    canister,
    canister_id,
    clock,
    deploy,
    faults,
    grow,
    identity,
    module_deploy,
    network,
    session_deploy,
    target,
)
from .short_options import pytest_load_initial_conftests
from .sweep_fixtures import (
    crash_sweep,
    explore,
    ic_crash_sweep,
    ic_explore,
    ic_sweep_part,
    pytest_generate_tests,
)

__all__ = [
    "canister",
    "canister_id",
    "clock",
    "crash_sweep",
    "deploy",
    "explore",
    "faults",
    "grow",
    "guarantee",
    "ic_canister",
    "ic_canister_id",
    "ic_clock",
    "ic_crash_sweep",
    "ic_deploy",
    "ic_explore",
    "ic_faults",
    "ic_findings",
    "ic_grow",
    "ic_identity",
    "ic_lab",
    "ic_module_deploy",
    "ic_network",
    "ic_results",
    "ic_session",
    "ic_session_deploy",
    "ic_sweep_part",
    "ic_target",
    "identity",
    "module_deploy",
    "network",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_load_initial_conftests",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "session_deploy",
    "target",
]
