"""`--ic-failures`: a failing test leaves a file that shows its failure again; a passing one leaves nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ic_harness.cli import commands
from ic_harness.history import calls_of, check, read_failure
from ic_harness.testing.report import from_json
from tests.history import vaults

TESTS = """
import pytest

@pytest.fixture
def vault(deploy):
    return deploy("vault.wasm")

def test_forty_calls(vault, identity):
    for method in {calls}:
        vault.call(method, *([7] if method == "fill" else []))
    vault.as_(identity("auditor")).check()

def test_sound(vault):
    vault.open()
    vault.fill(1)
    vault.seal()
    assert vault.sound() == 1

def test_not_of_the_network(tmp_path):
    assert False

def test_passes(vault):
    vault.open()

@pytest.mark.xfail
def test_expected(vault):
    vault.nothing()
"""
FOLDER = "left"


@pytest.fixture
def source(user):
    def write(wasm):
        user.path.joinpath("vault.wasm").write_bytes(wasm)
        return TESTS.format(calls=vaults.CALLS)

    return write


def files(user):
    return sorted((user.path / FOLDER).glob("*")) if (user.path / FOLDER).exists() else []


def command(*args):
    return CliRunner().invoke(commands, [str(arg) for arg in args])


def test_failing_tests_leave_files(user, outcome, source, monkeypatch):
    """From the failing test to the three calls, and to a test that fails the same way in a pytest of its own."""
    result = outcome(source(vaults.faulty()), f"--ic-failures={FOLDER}")
    result.assert_outcomes(failed=3, passed=1, xfailed=1)
    left = files(user)
    assert [path.name.split(".py-")[1][:-20] for path in left] == ["test_forty_calls", "test_sound"]
    result.stdout.fnmatch_lines(["*failure file*", f"*ic-harness replay *{left[0].name}"])

    failure = read_failure(left[0])
    assert failure.test.name.endswith("::test_forty_calls")
    assert failure.test.error == "RejectError"
    assert "the vault is open" in failure.test.message
    assert failure.test.where.startswith("test_failing_tests_leave_files.py:")
    assert "vault" in dict(failure.names).values()
    assert check(failure).differences == ()
    assert [call.request.method for call in calls_of(failure.events)][-41:] == [*vaults.CALLS, "check"]

    again = user.path / "test_again.py"
    ran = command("replay", left[0], "--shrink", "--to-pytest", again)
    assert ran.exit_code == 0, ran.output
    assert "the same failure: every call is answered as in the failing test" in ran.output
    assert "shortened 43 calls to 6" in ran.output
    user.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:faulthandler", again).stdout.fnmatch_lines(
        ["E *the vault is open after call*", "*1 failed*"]
    )
    short = left[0].with_suffix(".short.ic-failure")
    assert [call.request.method for call in calls_of(read_failure(short).events)][-4:] == [
        "open", "fill", "seal", "check",
    ]  # fmt: skip


def test_wrong_answers_are_shown_again(user, outcome, source):
    outcome(source(vaults.faulty()), f"--ic-failures={FOLDER}", "-k", "sound")
    (path,) = files(user)
    assert read_failure(path).test.error == "AssertionError"
    ran = command("replay", path, "--shrink", "-o", user.path / "short.ic-failure")
    assert ran.exit_code == 0, ran.output
    assert "shortened 6 calls to 6" in ran.output


def test_healthy_canisters_leave_nothing(user, outcome, source):
    outcome(source(vaults.healthy()), f"--ic-failures={FOLDER}", "-k", "not network").assert_outcomes(
        passed=3, xfailed=1
    )
    assert files(user) == []


def test_nothing_is_left_without_the_option(user, outcome, source):
    outcome(source(vaults.faulty()), "-k", "sound").assert_outcomes(failed=1)
    assert files(user) == []


def test_a_folder_that_cannot_be_made_is_reported(user, outcome, source):
    user.path.joinpath(FOLDER).write_text("a file")
    result = outcome(source(vaults.faulty()), f"--ic-failures={FOLDER}", "-k", "sound")
    result.stdout.fnmatch_lines(["*none was written: cannot write *"])


@pytest.mark.parametrize("option", ["--ic-failures=x", "--ic-history"])
def test_other_networks_are_refused(outcome, source, option):
    result = outcome(source(vaults.healthy()), option, "--ic-network=dfx")
    result.stderr.fnmatch_lines(
        [f"*{option.split('=')[0]} is for the embedded network, not for --network dfx*"]
    )


@pytest.mark.slow
def test_workers_write_their_own_files(user, outcome_apart, source):
    outcome_apart(source(vaults.faulty()), "-n", "2", f"--ic-failures={FOLDER}").assert_outcomes(
        failed=3, passed=1, xfailed=1
    )
    assert [check(read_failure(path)).reproduced for path in files(user)] == [True, True]


def test_damaged_files_are_refused(user, tmp_path):
    path = tmp_path / "no.ic-failure"
    path.write_bytes(b"\x1b[31mnothing")
    ran = command("replay", path)
    assert ran.exit_code != 0
    assert "no failure file of ic-harness" in str(ran.exception or ran.output) + ran.output


REPORTED = """
import pytest
from ic_harness.testing.plugin import guarantee

@guarantee("W1")
@pytest.mark.ic(history=True)
def test_recorded(deploy):
    deploy("vault.wasm").open()

@guarantee("W1")
def test_not_recorded(deploy):
    deploy("vault.wasm").open()

def test_says_how(network):
    with pytest.raises(Exception, match="history=True"):
        network.history
"""


def test_recorded_tests_have_their_calls_in_the_report(user, outcome, source):
    source(vaults.healthy())
    user.path.joinpath("guarantees.toml").write_text('[W1]\nseverity = "C"\ntext = "It opens"\n')
    outcome(REPORTED, "--ic-report=out").assert_outcomes(passed=3)
    report = from_json((user.path / "out" / "report.json").read_text())
    (calls,) = report.sequences or ()
    assert calls.title.endswith("::test_recorded")
    assert [arrow.label for arrow in calls.arrows if arrow.kind == "call"] == [
        "provisional_create_canister_with_cycles",
        "install_code",
        "open",
    ]
    assert "vault" in calls.participants
    assert 'class="sequence"' in (user.path / "out" / "index.html").read_text()


def test_other_values_of_the_marker_are_refused(outcome, source):
    source(vaults.healthy())
    result = outcome("import pytest\n@pytest.mark.ic(history=3)\ndef test_it(network): ...\n")
    result.stdout.fnmatch_lines(["*history=3: give True or False*"])
