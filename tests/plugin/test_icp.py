"""ICP's own canisters in tests: the option `--icp`, and the table `[icp]` of `ic-harness.toml`."""

from __future__ import annotations

import pytest

SOURCE = """
def test_names(network):
    assert sorted(network.icp) == {names}
"""
STAND_INS = ["cycles-ledger", "cycles-minting", "ledger"]


@pytest.mark.parametrize(
    ("table", "arguments", "names"),
    [
        ("", (), []),
        ("", ("--icp", "stand-ins"), STAND_INS),
        ('[icp]\nledger = "stand-in"\n', (), ["ledger"]),
        ("[icp]\nstand-ins = true\n", ("--ic-icp", "project"), STAND_INS),
        ('[icp]\nledger = "stand-in"\n', ("--icp", "none"), []),
    ],
)
def test_canisters_of_a_run(user, outcome, table, arguments, names):
    """The option wins; without it the table of the project decides."""
    if table:
        (user.path / "ic-harness.toml").write_text(table, encoding="utf-8")
    outcome(SOURCE.format(names=names), *arguments).assert_outcomes(passed=1)


def test_a_network_that_cannot(outcome):
    """The option is for the embedded network."""
    result = outcome("def test(): pass", "--icp", "stand-ins", "--network", "pocket-ic")
    result.stderr.fnmatch_lines(["*--icp is for the embedded network*"])


def test_a_missing_module(user, outcome):
    """A module that is missing is named, with what to do."""
    (user.path / "ic-harness.toml").write_text('[icp]\nroot = "root.wasm"\n', encoding="utf-8")
    result = outcome("def test(network): pass")
    result.stdout.fnmatch_lines(["*[[]icp[]] root: cannot read*root.wasm*download the module of NNS root*"])
