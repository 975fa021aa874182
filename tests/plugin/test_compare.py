"""`--ic-compare`: the calls of a suite on two networks, with a table of the differences."""

from __future__ import annotations

import pytest

from tests.testing import counters

SOURCE = """
def test_counts(deploy):
    counter = deploy("old.wasm")
    assert counter.increment() == 6
    assert counter.get() == 6

def test_without_calls():
    assert True
"""


@pytest.fixture
def builds(user):
    """Two builds that count alike, and one that begins elsewhere."""
    user.path.joinpath("old.wasm").write_bytes(counters.keeping())
    user.path.joinpath("same.wasm").write_bytes(counters.losing())
    user.path.joinpath("new.wasm").write_bytes(counters.counter(start=7))


def test_equal_builds_pass(builds, outcome):
    """Builds that answer alike have no difference; the short names of the options work."""
    result = outcome(SOURCE, "--wasm=old.wasm", "--compare-wasm=same.wasm")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.re_match_lines([r".*compared networks.*", r"\d+ calls: no difference"])


def test_differences_fail_the_run(builds, outcome):
    """Tests pass on the first network; the run fails, and the table has both answers."""
    result = outcome(SOURCE, "--ic-wasm=old.wasm", "--ic-compare=embedded", "--ic-compare-wasm=new.wasm")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.re_match_lines(
        [
            r".*::test_counts +reply +increment +6 +8",
            r".*::test_counts +reply +get +6 +8",
            r"\d+ calls: 2 differences",
        ]
    )


def test_named_differences_pass(builds, outcome):
    """Places that are named may differ."""
    more = ("--ic-compare-ignore=increment", "--ic-compare-ignore=^get$")
    result = outcome(SOURCE, "--ic-wasm=old.wasm", "--ic-compare-wasm=new.wasm", *more)
    assert result.ret == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ic-compare-wasm=new.wasm"], "is another build of --wasm"),
        (["--ic-compare=embedded", "--ic-compare-ignore=("], "is no pattern"),
        (["--ic-compare=embedded", "--ic-subnets=application=2"], "goes with neither"),
    ],
)
def test_contradictions(builds, outcome, options, message):
    """Options that cannot be together are refused before anything runs."""
    result = outcome(SOURCE, *options)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{message}*"])
