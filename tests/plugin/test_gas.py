"""`--ic-gas`: the gas file of a project, as its tests write it and are compared with it."""

from __future__ import annotations

import pytest

from ic_harness.testing.gas import GAS_FILE, read_gas
from ic_harness.testing.report import from_json
from tests.testing import counters

TESTS = """
import pytest

@pytest.fixture
def counter(deploy):
    return deploy("counter.wasm", candid="counter.did")

def test_add(counter):
    counter.increment()
    counter.increment()

class TestReading:
    @pytest.mark.parametrize("times", [1, 2])
    def test_get(self, counter, times):
        for _ in range(times):
            counter.get()
"""
SPEND = """
(func $loop (local $left i32)
  (local.set $left (i32.const {rounds}))
  (loop $l (br_if $l (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
(func (export "canister_update spend") (call $loop) (call $answer))
"""


@pytest.fixture
def counter(user):
    """Write a counter into the user's folder; `rounds` makes its increment more expensive."""

    def write(rounds=1000):
        user.path.joinpath("counter.wasm").write_bytes(counters.counter(SPEND.format(rounds=rounds)))
        did = counters.DID.replace("get :", "spend : () -> (nat32); get :")
        user.path.joinpath("counter.did").write_text(did)

    write()
    return write


def gas_of(user):
    return (user.path / GAS_FILE).read_text().splitlines()[1:]


def names_of(user):
    return [line.rpartition(" instructions=")[0] for line in gas_of(user)]


FILE = "test_file_is_one_line_a_test_and_method.py"


def test_file_is_one_line_a_test_and_method(user, outcome, counter):
    """The file has a sorted line for each test and method, and a second run changes nothing."""
    outcome(TESTS, "--ic-gas=update").assert_outcomes(passed=3)
    assert names_of(user) == [
        f"{FILE}::TestReading::test_get[1] counter.get (query) calls=1",
        f"{FILE}::TestReading::test_get[2] counter.get (query) calls=2",
        f"{FILE}::test_add counter.increment calls=2",
    ]
    before = gas_of(user)
    result = outcome(TESTS, "--ic-gas=update")
    assert gas_of(user) == before
    result.stdout.fnmatch_lines(["*canister gas*", "unchanged: all 3 lines are as in .ic-gas"])
    result = outcome(TESTS, "--ic-gas=check")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["all 3 lines are as in .ic-gas"])


SPENDING = "def test_spend(deploy): deploy('counter.wasm', candid='counter.did').spend()"


def test_check_fails_with_a_table(user, outcome, counter):
    """A method that costs more fails the run, with both figures; the file stays as it was."""
    outcome(SPENDING, "--ic-gas=update").assert_outcomes(passed=1)
    before = gas_of(user)
    counter(2000)
    result = outcome(SPENDING, "--ic-gas=check")
    assert result.ret == 1
    result.stdout.re_match_lines(
        [
            r"test, method +was +is +change",
            r"\S+::test_spend counter\.spend +[\d,]+ \(1 call\) +[\d,]+ \(1 call\) +\+\d\d\.\d\d %",
            r"the gas check failed: 1 line differs from \.ic-gas: 1 changed \(tolerance 1 %\).*--ic-gas=update",
        ]
    )
    assert gas_of(user) == before
    outcome(SPENDING, "--ic-gas=update").stdout.fnmatch_lines(
        ["updated: 1 line differs from .ic-gas: 1 changed"]
    )
    assert outcome(SPENDING, "--ic-gas=check").ret == 0


def test_tolerance_is_an_option_and_a_key(user, outcome, counter):
    """The tolerance is that of the option, else that of ic-harness.toml."""
    outcome(SPENDING, "--ic-gas=update")
    counter(1100)
    assert outcome(SPENDING, "--ic-gas=check").ret == 1
    assert outcome(SPENDING, "--ic-gas=check", "--ic-gas-tolerance=20").ret == 0
    (user.path / "ic-harness.toml").write_text("[gas]\ntolerance = 20\n")
    assert outcome(SPENDING, "--ic-gas=check").ret == 0
    assert outcome(SPENDING, "--ic-gas=check", "--ic-gas-tolerance=0.5").ret == 1


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        ("--ic-gas-tolerance=-1", "", "*--ic-gas-tolerance is a number of per cent*'-1'*"),
        ("--ic-gas-tolerance=nan", "", "*--ic-gas-tolerance is a number of per cent*"),
        ("-v", "[gas]\ntolerance = true", "*ic-harness.toml: ?gas? tolerance is a number of per cent*True*"),
        (
            "-v",
            "[gas]\ntolerence = 1",
            "*ic-harness.toml: ?gas? has no key 'tolerence'; did you mean tolerance?*",
        ),
        ("-v", "gas = 1", "*ic-harness.toml: gas must be a table*"),
        ("-v", "[gas", "*ic-harness.toml is no TOML*"),
    ],
)
def test_what_is_no_tolerance_is_refused(user, outcome, option, text, told):
    """A tolerance that is no number of per cent ends the run before any test."""
    (user.path / "ic-harness.toml").write_text(text)
    result = outcome("def test(): pass", "--ic-gas=check", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_selection_keeps_the_other_lines(user, outcome, counter):
    """`-k`, and the name of one test, update the lines of what ran, and leave all others."""
    outcome(TESTS, "--ic-gas=update")
    before = gas_of(user)
    outcome(TESTS.replace("counter.increment()", "counter.get()"), "--ic-gas=update", "-k", "add")
    assert names_of(user)[:2] == [line.rpartition(" instructions=")[0] for line in before[:2]]
    assert names_of(user)[2].endswith("::test_add counter.get (query) calls=2")
    outcome(TESTS, "--ic-gas=update", "test_selection_keeps_the_other_lines.py::test_add")
    assert gas_of(user) == before


def test_deleted_tests_leave_the_file(user, outcome, counter):
    """The lines of a test that is gone from its file, or whose file is gone, are removed; check says so."""
    outcome(TESTS, "--ic-gas=update")
    (user.path / "test_other.py").write_text(SPENDING)
    user.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler", "--ic-gas=update"
    )
    assert len(gas_of(user)) == 4
    (user.path / "test_other.py").unlink()
    fewer = TESTS.replace("[1, 2]", "[2]").replace("def test_add", "def test_added")
    result = outcome(fewer, "--ic-gas=check")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*::test_get?1? counter.get*gone",
            "*::test_add counter.increment*gone",
            "*::test_added *new",
            "*test_other*gone",
        ],
        consecutive=False,
    )
    outcome(fewer, "--ic-gas=update")
    assert [name.split("::", 1)[1] for name in names_of(user)] == [
        "TestReading::test_get[2] counter.get (query) calls=2",
        "test_added counter.increment calls=2",
    ]


def test_failed_and_skipped_tests_change_nothing(user, outcome, counter):
    """A test that fails, in whatever phase, is skipped, or passes against expectation keeps its lines."""
    outcome(TESTS, "--ic-gas=update")
    before = gas_of(user)
    worse = TESTS.replace("counter.increment()", "counter.get()")
    for harm in (
        ("    counter.get()\n    counter.get()\n", "    counter.get()\n    assert False\n"),
        ("    return deploy(", "    yield deploy("),
        ("def test_add", "@pytest.mark.xfail(strict=False)\ndef test_add"),
        ("def test_add", "@pytest.mark.skip\ndef test_add"),
    ):
        source = worse.replace(*harm)
        if "yield" in source:
            source = source.replace('candid="counter.did")\n', 'candid="counter.did")\n    assert False\n', 1)
        outcome(source, "--ic-gas=update", "-k", "add")
        assert gas_of(user) == before, harm


def test_workers_bring_their_lines_together(user, outcome_apart, counter):
    """Under pytest-xdist the controller writes one file, without the tests that no worker collected any more."""
    outcome_apart(TESTS, "-n", "2", "--ic-gas=update").assert_outcomes(passed=3)
    assert len(gas_of(user)) == 3
    result = outcome_apart(TESTS, "-n", "2", "--ic-gas=check")
    assert result.ret == 0
    outcome_apart(TESTS.replace("[1, 2]", "[1]"), "-n", "2", "--ic-gas=update").assert_outcomes(passed=2)
    assert len(gas_of(user)) == 2
    result = outcome_apart(TESTS, "-n", "2", "--ic-gas=check")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*::test_get?2? counter.get*new"])


def test_tests_without_canisters_have_no_lines(user, outcome, counter):
    """Tests that use no network need no file, and nothing is compared."""
    result = outcome("def test(): pass", "--ic-gas=check")
    assert result.ret == 0
    outcome("def test(): pass", "--ic-gas=update")
    assert not (user.path / GAS_FILE).exists()


def test_a_network_that_counts_nothing_fails_the_check(user, outcome):
    """A check that could not compare anything does not pass."""
    result = outcome("def test(network): pass", "--ic-gas=check", "--network", "http://127.0.0.1:1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "not measured: *::test: the network *127.0.0.1:1* does not count instructions",
            "*compare on the embedded*",
        ]
    )


@pytest.mark.parametrize(
    "content",
    [
        b"<<<<<<< HEAD\n",
        b"a::b c.d calls=1 instructions=many\n",
        b"a::b c.d calls=1 instructions=1\na::b c.d calls=2 instructions=2\n",
        b"\xff\xfe\n",
        b"a::b c.d calls=1 instructions=" + b"9" * 5000,
    ],
)
def test_damaged_file_is_refused(user, outcome, content):
    """A file with the marks of a merge, or any other damage, ends the run with its place, and stays as it is."""
    (user.path / GAS_FILE).write_bytes(content)
    result = outcome("def test(): pass", "--ic-gas=update")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*.ic-gas*"])
    assert (user.path / GAS_FILE).read_bytes() == content


def test_file_that_cannot_be_written_fails_the_run(user, outcome, counter, monkeypatch):
    """A full disk fails an update, with the reason; the old file stays."""
    outcome(TESTS, "--ic-gas=update")
    before = gas_of(user)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ic_harness.files.write_synced", full)
    result = outcome(TESTS.replace("counter.increment()", "counter.get()"), "--ic-gas=update")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["cannot write *.ic-gas*No space left*"])
    assert gas_of(user) == before
    assert not list(user.path.glob(".*.part"))


def test_collect_only_changes_nothing(user, outcome, counter):
    """`--collect-only` measures nothing and removes nothing."""
    outcome(TESTS, "--ic-gas=update")
    before = gas_of(user)
    outcome(TESTS.replace("[1, 2]", "[1]"), "--ic-gas=update", "--collect-only")
    assert gas_of(user) == before


def test_file_can_be_read_back(user, outcome, counter):
    """Names with spaces, brackets and colons are read as they were written."""
    outcome(TESTS.replace("[1, 2]", "[1, 2], ids=['a::b ]', 'calls=1 (query)']"), "--ic-gas=update")
    found = read_gas(user.path / GAS_FILE)
    assert len(found) == 3
    assert (
        outcome(TESTS.replace("[1, 2]", "[1, 2], ids=['a::b ]', 'calls=1 (query)']"), "--ic-gas=check").ret
        == 0
    )


def test_report_has_the_result(user, outcome, counter):
    """With `--ic-report` the comparison is in the report."""
    (user.path / "guarantees.toml").write_text('[W1]\nseverity = "L"\ntext = "It counts"\n')
    source = f"import pytest\npytestmark = pytest.mark.guarantee('W1')\n{SPENDING}"
    outcome(source, "--ic-gas=update", "--ic-report=report").assert_outcomes(passed=1)
    report = from_json((user.path / "report" / "report.json").read_text())
    assert report.measured is not None
    found = report.measured.gas
    assert found is not None
    assert found.summary == "1 line differs from .ic-gas: 1 new"
    (line,) = found.lines
    assert (line.subject, line.before, line.change) == ("counter.spend", "", "new")
