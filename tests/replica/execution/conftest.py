"""Engines for the tests of execution: one for each way to hold memories that works on this system."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Engine
from ic_harness.replica.execution.memory_copy import COPIED
from ic_harness.replica.execution.memory_mmap import MAPPED
from ic_harness.replica.execution.pages import supported

from .canisters import Harness

STRATEGIES = [MAPPED, COPIED] if supported() else [COPIED]


@pytest.fixture(scope="session")
def engine():
    """The engine that this system gets by default."""
    return Engine()


@pytest.fixture(scope="session", params=STRATEGIES, ids=lambda strategy: strategy.name)
def any_engine(request):
    """An engine of each strategy."""
    return Engine(strategy=request.param)


@pytest.fixture
def install(engine):
    """Install a module on the default engine."""
    return lambda wasm: Harness(engine, wasm)


@pytest.fixture
def install_any(any_engine):
    """Install a module on each engine in turn."""
    return lambda wasm: Harness(any_engine, wasm)
