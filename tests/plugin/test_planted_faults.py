"""Each tool finds its fault in a Motoko canister, `bank_faulty`, and nothing in the healthy twin, `bank`.

The faults that need calls between canisters are in tests/testing/driven, those of the interface in test_fuzzing.py,
the one that only old state shows in tests/cli/test_fork.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ic_harness.cli import commands
from ic_harness.history import calls_of, read_failure

MOTOKO = Path(__file__).parents[2] / "fixtures" / "canisters" / "motoko"
FEES = """
def test_fees(deploy):
    bank = deploy("bank.wasm.gz")
    fees = [bank.charge(amount) for amount in (5, 50, 5_000)]
    assert fees == sorted(fees)
"""
SORTS = """
def test_sorts(deploy):
    bank = deploy("bank.wasm.gz")
    assert bank.ranked(list(range(60, 0, -1))) == list(range(1, 61))
"""
GROWS = """
from ic_harness.testing.growth import Law

def test_growth(deploy, grow):
    bank = deploy("bank.wasm.gz")
    growth = grow(lambda n: bank.ranked(list(range(n, 0, -1))))
    assert growth["ranked (query)"].fit.certain
    assert growth["ranked (query)"].law <= Law.LINEARITHMIC
"""
SHARES = """
def test_shares(deploy):
    bank = deploy("old.wasm.gz")
    bank.deposit("alice", 7)
    assert bank.share(6, 2) == 3
    assert bank.share(7, 2) <= 4
"""
TRANSFERS = """
def test_the_books(deploy):
    bank = deploy("bank.wasm.gz")
    for step in range(4):
        bank.deposit("alice", 50)
        bank.deposit("bob", 10)
        bank.transfer("alice", "bob", 5)
        bank.charge(7)
    bank.transfer("bob", "bob", 7)
    for step in range(4):
        bank.deposit("carol", 1)
        bank.transfer("carol", "alice", 1)
    bank.audit()
"""
HISTORY = """
import pytest

@pytest.mark.ic(history=True)
def test_which_call(network, deploy):
    bank = deploy("bank.wasm.gz")
    network.history.names[bank.canister_id] = "bank"
    for step in range(6):
        bank.deposit("alice", 50)
        bank.transfer("alice", "bob", 5)
        if step == 3:
            bank.transfer("bob", "bob", 7)
    step = network.history.first(lambda moment: not moment.client(bank).sound())
    if step is not None:
        print(network.history.sequence())
        before, after = (moment.client(bank).total() for moment in (step.before, step.after))
        assert False, f"{step.method} as message {step.number} brought {before} to {after}"
"""


@pytest.fixture
def bank(user):
    """Put the bank, or its faulty twin, into the user's folder."""

    def put(name, to="bank"):
        user.path.joinpath(f"{to}.wasm.gz").write_bytes((MOTOKO / f"{name}.wasm.gz").read_bytes())

    return put


def never_executed(user):
    """The functions of the bank that the coverage has as never executed."""
    lcov = (user.path / "ic-coverage" / "lcov.info").read_text()
    return {name for name in re.findall(r"FNDA:0,\d+:(.*)\n", lcov) if name in ("smallFee", "largeFee")}


@pytest.mark.slow
def test_coverage(user, outcome, bank):
    """A function that no amount reaches is never executed, although the suite tries amounts of all sizes."""
    bank("bank_faulty")
    result = outcome(FEES, "--ic-cov", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["bank (*): never executed, the largest first:", "  largeFee"])
    assert never_executed(user) == {"largeFee"}
    listed = (user.path / "ic-coverage" / "lcov.info").read_text()
    assert ":setBalance\n" in listed
    for generated in ("motoko_rts", "bigint_add", "alloc_1\n", "@serialize", "incremental_gc"):
        assert generated not in listed, "a function of the run time is none of the canister's"
    bank("bank")
    outcome(FEES, "--ic-cov").assert_outcomes(passed=1)
    assert never_executed(user) == set()


@pytest.mark.slow
def test_gas(outcome, bank):
    """The same answers for more instructions fail the check, with the method; the twin's are as in the file."""
    bank("bank")
    outcome(SORTS, "--ic-gas=update").assert_outcomes(passed=1)
    bank("bank_faulty")
    result = outcome(SORTS, "--ic-gas=check")
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.re_match_lines([r"\S+::test_sorts bank\.ranked \(query\) .* \+\d\d+\.\d\d %"])
    bank("bank")
    assert outcome(SORTS, "--ic-gas=check").ret == 0


def widest(user, outcome):
    """The function of the bank that executes the most instructions of its own."""
    result = outcome(SORTS, "--ic-flame")
    result.assert_outcomes(passed=1)
    at = next(number for number, line in enumerate(result.outlines) if line.startswith("function "))
    rows = (re.split(r"\s{2,}", line) for line in result.outlines[at + 1 :])
    return next(row[0] for row in rows if row[0] in ("insert", "merge", "largeFee", "balanceOf"))


@pytest.mark.slow
def test_flame_graphs(user, outcome, bank):
    """The function that is inserted into is the one that costs; the twin has none, and merges."""
    bank("bank_faulty")
    assert widest(user, outcome) == "insert"
    (picture,) = (user.path / "ic-flame").glob("bank-*.svg")
    assert "insert: " in picture.read_text()
    bank("bank")
    assert widest(user, outcome) == "merge"


@pytest.mark.slow
def test_growth(outcome, bank):
    """A cost that grows by n² is found, with the size at which it meets the limit; the twin's grows by n log n."""
    bank("bank_faulty")
    result = outcome(GROWS, "--ic-growth")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r"bank\.ranked \(query\) +n² .* instructions at \d+ +5,[\d,]+"])
    bank("bank")
    result = outcome(GROWS, "--ic-growth")
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r"bank\.ranked \(query\) +n log n "])


@pytest.mark.slow
def test_compare(outcome, bank):
    """A sum that is rounded differently is one difference, although the suite passes on both builds."""
    bank("bank", "old")
    bank("bank_faulty", "new")
    builds = ("--ic-wasm=old.wasm.gz", "--ic-compare-wasm=new.wasm.gz", "--ic-compare-tolerance=50")
    result = outcome(SHARES, *builds)
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.re_match_lines([r".*::test_shares +reply +share +3 +4", r"\d+ calls: 1 difference$"])
    bank("bank", "new")
    result = outcome(SHARES, *builds)
    assert result.ret == 0
    result.stdout.re_match_lines([r"\d+ calls: no difference"])


def replay(*arguments):
    return CliRunner().invoke(commands, ["replay", *map(str, arguments)])


@pytest.mark.slow
def test_failure_files(user, outcome, bank):
    """Of thirty calls three are left; the written test fails by the same trap, and passes on the healthy twin."""
    bank("bank_faulty")
    outcome(TRANSFERS, "--ic-failures=left").assert_outcomes(failed=1)
    (left,) = (user.path / "left").iterdir()
    again = user.path / "test_again.py"
    ran = replay(left, "--shrink", "--to-pytest", again, "-o", user.path / "short.ic-failure")
    assert ran.exit_code == 0, ran.output
    assert "the same failure: every call is answered as in the failing test" in ran.output
    calls = [call.request.method for call in calls_of(read_failure(user.path / "short.ic-failure").events)]
    assert calls[-3:] == ["deposit", "transfer", "audit"]
    assert set(calls[:-3]).isdisjoint({"deposit", "transfer", "charge", "audit"})
    alone = ("-p", "no:cacheprovider", "-p", "no:faulthandler", again)
    user.runpytest_inprocess(*alone).stdout.fnmatch_lines(["E *the books do not balance*", "*1 failed*"])
    modules = list((user.path / "test_again_files").iterdir())
    assert len(modules) == 1
    modules[0].write_bytes((MOTOKO / "bank.wasm.gz").read_bytes())
    user.runpytest_inprocess(*alone).assert_outcomes(passed=1)


def test_failure_files_of_the_twin(user, outcome, bank):
    """The healthy bank leaves no file."""
    bank("bank")
    outcome(TRANSFERS, "--ic-failures=left").assert_outcomes(passed=1)
    assert not list((user.path / "left").glob("*"))


@pytest.mark.slow
def test_history(user, outcome, bank):
    """The one transfer that made money is found among twelve calls, and shown by `--step` and as a diagram."""
    bank("bank_faulty")
    result = outcome(HISTORY, "--ic-failures=left")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r".*transfer as message (\d+) brought 200 to 207"])
    found = re.search(r"transfer as message (\d+)", result.stdout.str())
    assert found is not None
    number = int(found[1])
    result.stdout.re_match_lines([rf" *{number} .*bank +transfer"])
    (left,) = (user.path / "left").iterdir()
    page = user.path / "calls.html"
    at = (f"goto {number}", "query bank total", "back", "query bank total")
    ran = replay(left, "--html", page, "--step", *(word for one in at for word in ("-c", one)))
    assert ran.exit_code == 0, ran.output
    assert re.search(rf"{number} .*transfer", ran.output)
    assert re.findall(r"^\(\d+\)$", ran.output, re.MULTILINE) == ["(207)", "(200)"]
    assert 'class="sequence"' in page.read_text()
    assert page.read_text().count("transfer") >= 7
    bank("bank")
    outcome(HISTORY, "--ic-failures=healthy").assert_outcomes(passed=1)
