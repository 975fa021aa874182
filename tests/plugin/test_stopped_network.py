"""A network that stops in one test is opened anew for the next."""

from __future__ import annotations

SOURCE = """
import pytest
from ic_harness.errors import HarnessError

def test_before(backend):
    assert backend.capsules_list() == []

def test_that_meets_a_full_disk(network, backend, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(network.replica.node.runner, "_publish", full)
    with pytest.raises(HarnessError, match="No space left"):
        backend.capsules_create(None)

def test_after(backend):
    capsule = backend.capsules_create(None)
    assert [header.id for header in backend.capsules_list()] == [capsule.id]
"""


def test_the_next_test_has_a_network(outcome):
    """What stops the replica fails one test at most; those after it run on a new network."""
    outcome(SOURCE).assert_outcomes(passed=3)
