"""The suite as a user runs it: the command, pytest's own run, and the example of the page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from ic_harness.testing.report import from_json
from ic_harness.testing.results import Outcome, Verdict
from tests.conftest import INSTALLED

from .ledgers import FOLDER, PAGE, ROOT

PLUGIN = () if INSTALLED else ("-p", "ic_harness.testing.plugin")
MODULE = FOLDER / "ledger.wasm.gz"


@pytest.fixture
def started(tmp_path):
    """Run a Python module as a process in a folder of its own, which holds `ledger.wasm.gz`; its output and status."""
    (tmp_path / "ledger.wasm.gz").write_bytes(MODULE.read_bytes())

    def start(*command):
        return subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return start


@pytest.fixture
def tested(started):
    """Run pytest with the plugin."""

    def run(*arguments):
        return started("pytest", *PLUGIN, "-p", "no:cacheprovider", "-q", *arguments)

    return run


@pytest.mark.slow
def test_the_command(started, tmp_path):
    """`ic-harness gate` finds the suite by the interface and writes its reports."""
    command = re.search(r"^ic-harness (gate .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    words = command[1].split()
    done = started("ic_harness.cli", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    sarif = json.loads((tmp_path / "report" / "report.sarif").read_text(encoding="utf-8"))
    assert {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]} >= {"TM1", "TX2", "TU3"}


def test_pytest_runs_the_suite(tested, tmp_path):
    """The tests of the package judge a Wasm that is named, and `--ic-report` has what they found."""
    arguments = ["--pyargs", "ic_harness.icrc.tests", "--wasm", "ledger.wasm.gz", "-k", "TT5 or TU3"]
    done = tested(*arguments, "--ic-report", "report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    report = from_json((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert {(check.guarantee.id, check.outcome) for check in report.checks} == {
        ("TT5", Outcome.PASSED),
        ("TU3", Outcome.PASSED),
    }
    assert report.verdict is Verdict.NOT_JUDGED, "two guarantees say nothing about the others"


@pytest.mark.slow
def test_a_broken_guarantee_fails_its_test(tested):
    """A test of a faulty ledger fails with what was seen, what it means and how to fix it."""
    wasm = FOLDER / "allowance-keeps-the-fee.wasm.gz"
    done = tested("--pyargs", "ic_harness.icrc.tests", "--wasm", wasm, "-k", "TF1 or TF2")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "TF2 is broken (high): the allowance and its end after transfer_from number 1" in done.stdout
    assert "How to fix it: Compare and subtract `amount + fee`, not only the amount.\n" in done.stdout


@pytest.mark.slow
def test_without_a_ledger_the_tests_are_skipped(tested):
    """Without --wasm and --canister-id every test is skipped, and the reason says what to give."""
    done = tested("--pyargs", "ic_harness.icrc.tests", "-rs", "-k", "TT1")
    assert done.returncode == 0, done.stdout
    assert "give --wasm FILE or --canister-id ID" in done.stdout


@pytest.mark.slow
def test_the_example_of_the_page(tested, tmp_path):
    """The Python of docs/icrc.md runs as it is written."""
    source = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert source is not None
    (tmp_path / "test_my_ledger.py").write_text(source[1], encoding="utf-8")
    done = tested("test_my_ledger.py", "-k", "TT or TU1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed, 1 skipped", done.stdout), done.stdout
