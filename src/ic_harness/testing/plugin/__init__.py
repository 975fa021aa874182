"""The pytest plugin: a network, callers and canisters as fixtures.

Every worker of pytest-xdist has a network of its own. Every test has its own identities, and
where the network can snapshot, everything is put back after each test.
Nothing is imported or started before a test asks for a fixture.
"""

from __future__ import annotations

from .configuration import pytest_configure
from .fixtures import (
    canister,
    canister_id,
    clock,
    deploy,
    faults,
    ic_findings,
    ic_lab,
    identity,
    network,
    target,
)
from .guarantees import guarantee, pytest_collection_modifyitems
from .options import pytest_addoption
from .reporting import pytest_runtest_makereport

__all__ = [
    "canister",
    "canister_id",
    "clock",
    "deploy",
    "faults",
    "guarantee",
    "ic_findings",
    "ic_lab",
    "identity",
    "network",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "target",
]
