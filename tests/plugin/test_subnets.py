"""Subnets in tests: the option `--subnets`, the marker, and `deploy(..., subnet=...)`."""

from __future__ import annotations

import pytest

from tests.replica.support import CANISTERS


@pytest.fixture(autouse=True)
def rust(user):
    for name in ("rust.wasm.gz", "rust.did"):
        (user.path / name).write_bytes((CANISTERS / "rust" / name).read_bytes())


SOURCE = """
import pytest

def kinds(network):
    return [subnet.kind for subnet in network.subnets]

def test_of_the_run(network):
    assert kinds(network) == {run}

@pytest.mark.ic(subnets="application=2,nns")
def test_calls_another_subnet(network, deploy):
    _, first, second = network.subnets
    one = deploy("rust.wasm.gz", 1, candid="rust.did", subnet=first)
    two = deploy("rust.wasm.gz", 2, candid="rust.did", subnet=second)
    assert one._id in first and two._id in second
    assert "Ok" in one.forward(two._id, "get", b"DIDL\\0\\0", 0, None)

@pytest.mark.ic(subnets={{"system": 1}})
def test_other_subnets(network):
    assert kinds(network) == ["system"]

@pytest.mark.ic(subnets="application=2,nns")
def test_a_fresh_state(network):
    assert not any(node.state.canisters for node in network.replica.nodes.all)

def test_of_the_run_again(network):
    assert kinds(network) == {run}
"""


def test_markers_name_subnets(outcome):
    """A test with the marker has its own network; others have that of the run, and each starts afresh."""
    outcome(SOURCE.format(run=["application"])).assert_outcomes(passed=5)


def test_the_option_names_subnets(outcome):
    """`--subnets` is the network of all tests without the marker."""
    result = outcome(SOURCE.format(run=["nns", "ii", "application"]), "--subnets", "nns,ii,application")
    result.assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("'aplication'", "*did you mean*application*"),
        ("3", "*give a text such as*"),
        ("'nns=2'", "*0 to 1 nns*"),
    ],
)
def test_a_wrong_marker_is_refused_before_any_test(outcome, value, problem):
    """What is no network ends the run with the test and the sentence."""
    result = outcome(f"import pytest\n@pytest.mark.ic(subnets={value})\ndef test(): pass")
    result.stderr.fnmatch_lines([f"*the marker ic subnets={value}: {problem}"])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--subnets", "nns=x"), "*--subnets nns=x: *whole number*"),
        (("--subnets", "nns", "--network", "pocket-ic"), "*--subnets is for the embedded network*"),
    ],
)
def test_a_wrong_option_is_refused(outcome, arguments, problem):
    """What is no network, or a network that has none, ends the run."""
    result = outcome("def test(): pass", *arguments)
    result.stderr.fnmatch_lines([problem])
