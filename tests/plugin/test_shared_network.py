"""A network that runs already and that several workers share: each test keeps to its own callers."""

from __future__ import annotations

import pytest

from ic_capsule.suite.checks import CHECKS
from ic_harness.replica import Replica, ReplicaConfig, serve

SOURCE = """
import pytest
from pathlib import Path

@pytest.mark.parametrize("number", range(4))
def test_capsules_are_ones_own(backend, identity, number):
    assert backend.capsules_list() == []
    capsule = backend.capsules_create(None)
    assert [header.id for header in backend.capsules_list()] == [capsule.id]
    with Path("callers").open("a") as file:
        print(identity.principal, file=file)

@pytest.mark.needs("snapshot")
def test_that_needs_more(network):
    assert False, "a URL cannot be put back"
"""


@pytest.fixture
def url():
    """A running network, reached by HTTP."""
    with Replica(ReplicaConfig(seed=b"shared")) as replica, serve(replica) as server:
        yield server.url


def test_workers_share_a_network(user, outcome_apart, url):
    """Workers of two runs never meet: every test has new identities."""
    for _ in range(2):
        result = outcome_apart(SOURCE, "--network", url, "-n", "2")
        result.assert_outcomes(passed=4, skipped=1)
    callers = user.path.joinpath("callers").read_text(encoding="utf-8").split()
    assert len(set(callers)) == 8


def checks_of(*guarantees):
    """How many checks these guarantees have."""
    return sum(check.guarantee.id in guarantees for check in CHECKS)


def test_suite_runs_on_a_shared_network(outcome_apart, url):
    """Guarantees that need only calls are proved over HTTP; those that need more are skipped by name."""
    args = ("--pyargs", "ic_capsule.suite.tests", "--network", url, "-rs", "-k", "UF4 or UB8 or CA2")
    result = outcome_apart("", *args)
    result.assert_outcomes(passed=checks_of("UF4"), skipped=checks_of("UB8", "CA2"))
    result.stdout.fnmatch_lines_random(
        ["*UB8 was skipped: *cannot move its clock*", "*CA2 was skipped: *one round*"]
    )
