"""Guarantees of the user's own in pytest: a catalogue beside the tests, and marked tests in the report."""

from __future__ import annotations

import json

from ic_harness.testing.report import from_json
from ic_harness.testing.results import Outcome, Verdict
from tests.testing import counters

CATALOGUE = """
[W1]
severity = "C"
area = "Counting"
text = "The count is right"
means = "Users count wrong."

[W12]
severity = "L"
text = "Nobody waits"
"""
TESTS = """
import pytest
from ic_harness.errors import InputError, RejectError
from ic_harness.testing.plugin import guarantee

@guarantee("W1")
def test_holds(canister):
    assert canister.increment() == 6

@guarantee("W1")
def test_breaks(canister):
    assert canister.get() == 99

@pytest.mark.guarantee("W12")
@pytest.mark.guarantee("W1")
def test_both(): pass

@guarantee("W12")
def test_skips(): pytest.skip("no clock")

@guarantee("W12")
@pytest.mark.xfail(reason="see #7", strict=True)
def test_expected(): assert False

@guarantee("W12")
def test_bug(): {}["x"]

@guarantee("W12")
def test_input(): raise InputError("no such file")

@guarantee("W12")
def test_trap(): raise RejectError(5, "trapped")

def test_other(): assert False
"""


def report_of(user, outcome, tests=TESTS, *args):
    user.path.joinpath("guarantees.toml").write_text(CATALOGUE)
    user.path.joinpath("counter.wasm").write_bytes(counters.keeping())
    outcome(tests, "--wasm", "counter.wasm", "--ic-report", "found", *args)
    return from_json(user.path.joinpath("found", "report.json").read_text())


def test_marked_tests_are_checks(user, outcome):
    """Each outcome of pytest becomes that of a check; only what speaks against the canister breaks a guarantee."""
    report = report_of(user, outcome)
    assert {(check.check, check.outcome) for check in report.checks} == {
        ("W1-test_holds", Outcome.PASSED),
        ("W1-test_breaks", Outcome.FAILED),
        ("W1-test_both", Outcome.PASSED),
        ("W12-test_both", Outcome.PASSED),
        ("W12-test_skips", Outcome.SKIPPED),
        ("W12-test_expected", Outcome.ACCEPTED),
        ("W12-test_bug", Outcome.ERROR),
        ("W12-test_input", Outcome.ERROR),
        ("W12-test_trap", Outcome.FAILED),
    }
    assert report.verdict is Verdict.REFUSED
    assert report.refusals[0].startswith("W1 (critical): assert 5 == 99")
    (broken,) = [check for check in report.checks if check.check == "W1-test_breaks"]
    assert [(step.method, step.outcome) for step in broken.story] == [("get", "5")]


def test_every_format_has_them(user, outcome):
    """SARIF, JUnit and the page have the user's guarantees and no others."""
    report = report_of(user, outcome)
    assert [guarantee.id for guarantee in report.catalogue] == ["W1", "W12"]
    found = user.path / "found"
    (ran,) = json.loads((found / "report.sarif").read_text())["runs"]
    assert [rule["id"] for rule in ran["tool"]["driver"]["rules"]] == ["W1", "W12"]
    assert "W12-test_trap" in (found / "junit.xml").read_text()
    page = (found / "index.html").read_text()
    assert 'id="g-W12"' in page
    assert "UC4" not in page


def test_a_guarantee_without_a_test_is_not_judged(user, outcome):
    """Guarantees without a test are listed, and keep the run from being a pass."""
    tests = "import pytest\n@pytest.mark.guarantee('W1')\ndef test_holds(): pass\n"
    report = report_of(user, outcome, tests)
    assert report.verdict is Verdict.NOT_JUDGED
    assert "1 of 2 guarantees were left out by selection: W12" in report.refusals[0]


def test_not_judged_is_said_everywhere(user, outcome):
    """One guarantee of two that holds is a pass in no format, nor on the terminal; the tests' exit status is theirs."""
    user.path.joinpath("guarantees.toml").write_text(CATALOGUE)
    tests = "import pytest\n@pytest.mark.guarantee('W1')\ndef test_holds(): pass\n"
    result = outcome(tests, "--ic-report", "found")
    assert result.ret == 0
    why = "not judged: 1 of 2 guarantees were left out by selection: W12"
    result.stdout.fnmatch_lines([f"verdict: {why}"])
    found = user.path / "found"
    assert json.loads((found / "report.json").read_text())["verdict"] == "not judged"
    (ran,) = json.loads((found / "report.sarif").read_text())["runs"]
    assert "not judged" in json.dumps(ran)
    junit = (found / "junit.xml").read_text()
    assert f'<testcase classname="Gate" name="Verdict" time="0.000"><skipped message="{why}"/>' in junit
    assert '<property name="verdict" value="not judged"/>' in junit
    for page in ("index.html", "summary.md"):
        text = (found / page).read_text()
        assert "Not judged" in text
        assert "may be deployed" not in text


def test_an_unknown_guarantee_is_refused(user, outcome):
    """An id that no catalogue has is a usage error before anything runs."""
    user.path.joinpath("guarantees.toml").write_text(CATALOGUE)
    result = outcome("import pytest\n@pytest.mark.guarantee('W9')\ndef test(): pass\n")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there is no guarantee 'W9'*W1, W12"])


def test_a_careless_catalogue_is_refused(user, outcome):
    """The error for an invalid row names its position."""
    user.path.joinpath("guarantees.toml").write_text('[W1]\nseverity = "X"\ntext = "x"\n')
    result = outcome("import pytest\n@pytest.mark.guarantee('W1')\ndef test(): pass\n")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*guarantees.toml: W1.severity must be one of C, H, M, L, not 'X'*"])


def test_the_tests_of_the_gate_run_in_pytest(user, outcome):
    """The fixture `target` upgrades to the build under test, and returns callers by name."""
    user.path.joinpath("counter.wasm").write_bytes(counters.keeping())
    tests = """
        def test(target, canister, identity):
            assert target.canister("bob").increment() == 6
            target.upgrade()
            assert canister.get() == 6
            assert canister.as_(identity("eve")).increment() == 7
            assert target.canister("bob").principal != canister.principal
    """
    outcome(tests, "--wasm", "counter.wasm").assert_outcomes(passed=1)


def test_gate_functions_are_ordinary_tests(user, outcome):
    """Functions for the gate run as tests with the plugin's fixtures."""
    user.path.joinpath("counter.wasm").write_bytes(counters.keeping())
    tests = "import pytest\n@pytest.mark.gate_fill\ndef test_fill(canister):\n    canister.increment()\n"
    result = outcome(tests, "--wasm", "counter.wasm", "--strict-markers")
    result.assert_outcomes(passed=1)
