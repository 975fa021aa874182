"""Options that set up the embedded network of a run."""

from __future__ import annotations

import pytest

SOURCE = """
def test_the_network(network):
    config = network.replica.node.config
    assert config.nodes == 28
    assert (config.slice_instructions, config.round_instructions) == (20_000_000, 1_000_000_000)
    assert config.threshold_keys == ("one", "two")
"""
OPTIONS = (
    "--ic-nodes=28",
    "--ic-slice-instructions=20M",
    "--ic-round-instructions=1_000_000_000",
    "--ic-threshold-key=one",
    "--ic-threshold-key=two",
)


@pytest.mark.parametrize("more", [(), ("--ic-subnets=application",), ("--ic-history",)], ids=str)
def test_options_reach_the_network(outcome, more):
    """They hold beside the other options of the embedded network."""
    outcome(SOURCE, *OPTIONS, *more).assert_outcomes(passed=1)


@pytest.mark.slow
def test_options_reach_workers(outcome_apart):
    outcome_apart(SOURCE, *OPTIONS, "-n2").assert_outcomes(passed=1)


def test_both_networks_of_a_comparison_have_them(outcome):
    source = """
def test_both(network):
    for one in (network.first, network.second):
        assert one.replica.node.config.slice_instructions == 20_000_000
"""
    outcome(source, "--ic-compare=embedded", "--ic-slice-instructions=20M").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ["--ic-slice-instructions=many"],
            "*--ic-slice-instructions*a number of instructions is a positive*",
        ),
        (["--ic-slice-instructions=1"], "*a slice can have 1,000,000 to*"),
        (["--ic-slice-instructions=5B"], "*a round can have 5,000,000,000 to*"),
        (["--ic-round-instructions=1M"], "*a round can have 2,000,000,000 to*"),
        (["--ic-nodes=0"], "*--ic-nodes*a subnet has 1 to 100 nodes*"),
        (["--ic-nodes=many"], "*--ic-nodes*a subnet has 1 to 100 nodes*"),
        (["--ic-threshold-key=key_1"], "*there is a key 'key_1' already*"),
        (
            ["--ic-nodes=3", "--ic-network=ic"],
            "*--ic-nodes is for the embedded network, not for --network ic*",
        ),
        (["--ic-threshold-key=a", "--ic-network=ic"], "*--ic-threshold-key is for the embedded network*"),
    ],
    ids=str,
)
def test_what_cannot_be_is_an_error_of_usage(outcome, options, problem):
    result = outcome("def test_never(): assert False", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([problem])
