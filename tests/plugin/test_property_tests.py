"""Tests with Hypothesis: every example starts from the same state, without any code for it."""

from __future__ import annotations

from pathlib import Path

import pytest

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"
HEAD = """
import hypothesis
import pytest
from hypothesis import strategies as st

settings = hypothesis.settings(max_examples=20, deadline=None, database=None)
"""


@pytest.fixture
def counted(user, outcome):
    """Run a module with the settings above beside a counter."""
    user.path.joinpath("counter.wasm").write_bytes((CANISTERS / "motoko/counter.wasm.gz").read_bytes())
    return lambda source: outcome(HEAD + source)


def test_examples_are_put_back(counted):
    """A canister of the test is new in each example; neither `anchored` nor a health check is needed."""
    source = """
@settings
@hypothesis.given(steps=st.integers(0, 3))
def test_counts(deploy, canister_of_all, steps):
    for counter in (deploy("counter.wasm", 0), canister_of_all):
        for _ in range(steps):
            counter.increment()
        assert counter.get() == steps

@pytest.fixture(scope="module")
def canister_of_all(module_deploy):
    return module_deploy("counter.wasm", 0)

class TestInClasses:
    @pytest.mark.parametrize("times", [1, 2])
    @settings
    @hypothesis.given(st.integers(0, 3))
    def test_counts(self, deploy, times, steps):
        counter = deploy("counter.wasm", 0)
        for _ in range(steps * times):
            counter.increment()
        assert counter.get() == steps * times
"""
    counted(source).assert_outcomes(passed=3)


def test_a_failing_example_is_put_back_too(counted):
    """Hypothesis finds the smallest failing example, which needs the state as it was before each try."""
    source = """
@settings
@hypothesis.given(steps=st.integers(0, 30))
def test_counts(deploy, shared, steps):
    for _ in range(steps):
        shared.increment()
    assert shared.get() < 7

@pytest.fixture(scope="module")
def shared(module_deploy):
    return module_deploy("counter.wasm", 0)

def test_after_it(shared, network):
    assert shared.get() == 0
"""
    result = counted(source)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*steps=7*"])


def test_other_fixtures_are_still_refused(counted):
    """A fixture that the network does not put back is what the health check is for."""
    source = """
@pytest.fixture
def notes():
    return []

@settings
@hypothesis.given(steps=st.integers(0, 3))
def test_counts(deploy, notes, steps):
    pass

@settings
@hypothesis.given(steps=st.integers(0, 3))
def test_without_a_network(steps):
    assert steps >= 0

@hypothesis.settings(settings, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(steps=st.integers(0, 3))
def test_allowed(network, notes, steps):
    notes.append(steps)
"""
    result = counted(source)
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*uses a function-scoped fixture*"])
