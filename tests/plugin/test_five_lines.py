"""A new user: an empty folder, a canister of one's own, five lines of test and one command."""

from __future__ import annotations

from pathlib import Path

import pytest

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"
MOTOKO = """\
def test_counts(deploy):
    counter = deploy("counter.wasm", 0)
    counter.increment()
    counter.increment()
    assert counter.get() == 2
"""
RUST = """\
def test_counts(deploy):
    counter = deploy("counter.wasm", 40)
    counter.add(1)
    counter.add(1)
    assert counter.get() == 42
"""


@pytest.mark.parametrize(
    ("wasm", "test"),
    [("motoko/counter", MOTOKO), ("motoko-classical/counter", MOTOKO), ("rust/rust", RUST)],
    ids=["Motoko", "Motoko, classical persistence", "Rust"],
)
def test_five_lines_and_one_command(user, outcome_apart, wasm, test):
    """The test of one's own canister is five lines, and `pytest` alone runs it."""
    user.path.joinpath("counter.wasm").write_bytes((CANISTERS / f"{wasm}.wasm.gz").read_bytes())
    assert len(test.splitlines()) == 5
    outcome_apart(test).assert_outcomes(passed=1)


def test_examples_of_hypothesis_are_put_back(user, outcome):
    """Inside `network.anchored()` every example begins in the same state."""
    user.path.joinpath("counter.wasm").write_bytes((CANISTERS / "motoko/counter.wasm.gz").read_bytes())
    source = """
        import hypothesis
        from hypothesis import strategies as st

        @hypothesis.settings(
            max_examples=20, deadline=None, database=None,
            suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
        )
        @hypothesis.given(steps=st.integers(0, 3))
        def test_counts(deploy, network, steps):
            counter = deploy("counter.wasm", 0)
            with network.anchored():
                for _ in range(steps):
                    counter.increment()
                assert counter.get() == steps
        """
    outcome(source).assert_outcomes(passed=1)
