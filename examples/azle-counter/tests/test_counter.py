"""Tests of the counter. Its module is large, so it is installed once for all of them."""

import pytest

from ic_harness.testing import trapped


@pytest.fixture(scope="module")
def installed(module_deploy):
    return module_deploy("build/counter.wasm.gz")


@pytest.fixture
def counter(installed, network):
    """The fixture `network` restores everything after the test."""
    return installed


def test_it_counts(counter):
    assert counter.increment() == 41


def test_optional_values(counter):
    assert counter.put("name", "Ada") is None
    assert counter.put("name", "Grace") == "Ada"


def test_only_stable_structures_survive(counter):
    counter.increment()
    counter.put("name", "Ada")
    counter.upgrade()
    assert (counter.get(), counter.fetch("name")) == (40, "Ada")


def test_an_error_is_a_trap(counter):
    with trapped("thrown by Azle"):
        counter.fail()


def test_one_calls_the_other(counter, deploy):
    other = deploy("build/counter.wasm.gz")
    assert counter.increment_other(other.canister_id) == 41
    assert (counter.get(), other.get()) == (40, 41)
