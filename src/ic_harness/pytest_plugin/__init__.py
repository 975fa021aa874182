"""The pytest plugin: a network, callers, canisters and photos as fixtures.

Every worker of pytest-xdist has a network of its own. Every test has its own identities and capsules, and
where the network can snapshot, everything is put back after each test.
Nothing is imported or started before a test asks for a fixture.
"""

from __future__ import annotations

from .fixtures import (
    backend,
    backend_for,
    canister,
    canister_id,
    capsule,
    clock,
    deploy,
    faults,
    ic_findings,
    ic_lab,
    identity,
    network,
    photo,
    target,
    upload,
)
from .guarantees import guarantee, pytest_collection_modifyitems
from .options import pytest_addoption, pytest_configure
from .reporting import pytest_runtest_makereport

__all__ = [
    "backend",
    "backend_for",
    "canister",
    "canister_id",
    "capsule",
    "clock",
    "deploy",
    "faults",
    "guarantee",
    "ic_findings",
    "ic_lab",
    "identity",
    "network",
    "photo",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "target",
    "upload",
]
