"""Canisters in pytest's report: prints and backtraces of a failing test, and costs of calls."""

from __future__ import annotations

from pathlib import Path

import pytest

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"

LOGGING = """
def test(deploy):
    counter = deploy("counter.wasm.gz", 0, candid="counter.did")
    counter.log("about to fail")
    counter.fail_by_assert()
"""
COUNTING = """
import pytest

@pytest.mark.parametrize("times", [1, 2, 3])
def test(deploy, times):
    counter = deploy("counter.wasm.gz", 0, candid="counter.did")
    for _ in range(times):
        counter.increment()
    assert counter.get() == times
"""


@pytest.fixture
def counter(pytester):
    """A Motoko counter in the user's folder."""
    for name in ("counter.wasm.gz", "counter.did"):
        pytester.path.joinpath(name).write_bytes((CANISTERS / "motoko" / name).read_bytes())


@pytest.fixture
def rust(pytester):
    """A Rust canister with a name section in the user's folder."""
    for name in ("rust.wasm.gz", "rust.did"):
        pytester.path.joinpath(name).write_bytes((CANISTERS / "rust" / name).read_bytes())


def test_failing_test_shows_the_canisters_log(counter, outcome):
    """The report of a failed test has the canister's prints and traps."""
    result = outcome(LOGGING)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- canister log -*", "counter: about to fail", "counter: ?TRAP?: *assertion failed*"]
    )


def test_log_crosses_to_the_controller(counter, outcome_apart):
    """The log of a test that a worker ran is shown as well."""
    result = outcome_apart(LOGGING, "-n", "1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- canister log -*", "counter: about to fail"])


def test_backtrace_is_shown(rust, outcome):
    """A trap is shown with the names of the functions it happened in."""
    source = """
        import pytest
        from ic_harness.errors import RejectError

        def test(deploy):
            rust = deploy("rust.wasm.gz", 0, candid="rust.did")
            with pytest.raises(RejectError):
                rust.trap("on purpose")
            assert False
        """
    result = outcome(source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["rust: ?TRAP?: *on purpose*", "Canister Backtrace:", "*trap*"])


def test_source_lines_are_shown(pytester, outcome):
    """A trap of a module with line tables is shown with its source lines, before the canister's log."""
    wasm = (CANISTERS / "rust" / "lines.wasm.gz").read_bytes()
    pytester.path.joinpath("lines.wasm.gz").write_bytes(wasm)
    pytester.path.joinpath("lines.did").write_text("service : { divide : () -> () }")
    result = outcome('def test(deploy):\n    deploy("lines.wasm.gz", candid="lines.did").divide()\n')
    result.assert_outcomes(failed=1)
    order = [
        "*- source lines of the trap -*",
        "src/sums.rs:9 in lines_fixture::sums::share",
        "*- canister log -*",
    ]
    result.stdout.fnmatch_lines(order)


def test_only_the_tests_own_lines_are_shown(counter, outcome):
    """What an earlier test made a canister print is not shown again, and a silent one has no section."""
    source = """
        def test_first(deploy):
            deploy("counter.wasm.gz", 0, candid="counter.did").log("early")
        def test_second(deploy):
            deploy("counter.wasm.gz", 0, candid="counter.did")
            assert False
        """
    result = outcome(source)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*canister log*")


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["here", "two workers"])
def test_profile_counts_messages(counter, outcome_apart, workers):
    """`--ic-profile` shows messages, queries and instructions of each test and of each method."""
    result = outcome_apart(COUNTING, "--ic-profile", *workers)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*= canister profile =*",
            "test * messages *queries *instructions *cycles",
            "*test?3? * 3 * 1 *",
            "*test?2? * 2 * 1 *",
            "*test?1? * 1 * 1 *",
            "method * calls * least * median * most * cycles * traps",
            "counter.increment * 6 * 0",
            "counter.get (query) * 3 * 0",
        ]
    )


def test_profile_counts_traps(counter, outcome):
    """Calls that trapped are counted, and cost what they used until then."""
    source = """
        import pytest
        from ic_harness.errors import RejectError

        def test(deploy):
            counter = deploy("counter.wasm.gz", 0, candid="counter.did")
            for fail in (counter.fail_by_assert, counter.fail_in_query):
                with pytest.raises(RejectError):
                    fail()
        """
    result = outcome(source, "--ic-profile")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines_random(["counter.fail_by_assert *  1", "counter.fail_in_query (query) *  1"])


def test_profile_of_nothing_says_so(outcome):
    """A run without canisters has no tables."""
    outcome("def test(): pass", "--ic-profile").stdout.fnmatch_lines(["No test used a network *"])


def test_only_the_dearest_tests_are_listed(counter, outcome):
    """Of many tests the 25 that cost most are listed, with `-v` all of them."""
    source = COUNTING.replace("[1, 2, 3]", "[1] * 27")
    outcome(source, "--ic-profile").stdout.fnmatch_lines(["… and 2 that cost less (-v shows all)"])
    outcome(source, "--ic-profile", "-v").stdout.no_fnmatch_line("… and *")
