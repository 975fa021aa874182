"""The canister of all tests: installed once, restored after each test."""

import pytest


@pytest.fixture(scope="session")
def installed(session_deploy):
    return session_deploy("build/counter.wasm.gz", 40)


@pytest.fixture
def counter(installed, network):
    """The fixture `network` restores everything after the test."""
    return installed
