"""`ic-harness gate` on anybody's canister: options, ic-harness.toml, reports, and what is not loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ic_harness.testing.report import from_json
from ic_harness.testing.results import Outcome, Verdict
from tests.testing import counters

from .conftest import SOURCE, refused

MODULE = """
import pytest


def fill(canister):
    canister.increment()


def verify(canister):
    assert canister.get() == 6


@pytest.mark.guarantee("W1")
def test_kept(canister, target):
    target.upgrade()
    assert canister.get() == 5, "the count is gone"


@pytest.mark.guarantee("W12")
def test_up(canister):
    assert canister.increment() == 6
"""
CATALOGUE = """
[W1]
severity = "C"
text = "The count is never lost"

[W12]
severity = "L"
text = "The count goes up by one"

[W13]
severity = "L"
text = "The count goes down by nothing"
"""
CONFIG = """
[gate]
module = "gate_counter.py"
guarantees = "guarantees.toml"
volatile = "now"
"""


@pytest.fixture
def folder(tmp_path):
    """A project with a healthy and a faulty counter, and functions and guarantees of its own."""
    (tmp_path / "good.wasm").write_bytes(counters.keeping())
    (tmp_path / "bad.wasm").write_bytes(counters.losing())
    (tmp_path / "gate_counter.py").write_text(MODULE)
    (tmp_path / "guarantees.toml").write_text(CATALOGUE)
    (tmp_path / "ic-harness.toml").write_text(CONFIG)
    return tmp_path


def test_a_counter_is_judged_by_its_own_functions(run, folder):
    """The faulty counter is refused with its reason, its healthy twin accepted."""
    good = run("gate", "--wasm", "good.wasm", "--baseline", "good.wasm")
    assert good.exit_code == 0, good.output
    assert "may be deployed" in good.stdout
    bad = run("gate", "--wasm", "bad.wasm", "--baseline", "good.wasm")
    assert bad.exit_code == 1
    words = " ".join(bad.stdout.split())
    assert "gate_counter.py::verify does not hold: assert canister.get() == 6" in words
    assert "W1 critical, FAIL" in words
    assert "REFUSED bad.wasm must not be deployed" in words


def test_own_guarantees_are_in_every_report(run, folder):
    """JSON, page, SARIF and JUnit have the catalogue of the user, ids of two digits too, and no other guarantee."""
    result = run("gate", "--wasm", "bad.wasm", "--report", "found", "--json")
    report = from_json(result.stdout)
    assert {check.guarantee.id: check.outcome for check in report.checks} == {
        "W1": Outcome.FAILED,
        "W12": Outcome.PASSED,
    }
    assert report.catalogue is not None
    assert [guarantee.id for guarantee in report.catalogue] == ["W1", "W12", "W13"]
    sarif = json.loads((folder / "found" / "report.sarif").read_text())
    (ran,) = sarif["runs"]
    assert [rule["id"] for rule in ran["tool"]["driver"]["rules"]] == ["W1", "W12", "W13"]
    assert {found["ruleId"] for found in ran["results"]} == {"W1"}
    junit = ET.parse(folder / "found" / "junit.xml")
    assert {"W1-test_kept", "W12-test_up"} <= {case.get("name") for case in junit.iter("testcase")}
    page = (folder / "found" / "index.html").read_text()
    assert 'id="g-W12"' in page
    assert "UC4" not in page


def test_known_faults_of_ones_own_are_accepted(run, folder):
    """`[gate.accepted]` takes the ids of the user's catalogue, and no others."""
    entry = '[gate.accepted]\nW1 = { reason = "see #7", expires = 2999-12-31 }\n'
    (folder / "gate_counter.py").write_text(MODULE.replace("def verify", "def unused"))
    (folder / "ic-harness.toml").write_text(CONFIG.replace('"now"', '["now", "get"]') + entry)
    result = run("gate", "--wasm", "bad.wasm", "--json")
    assert result.exit_code == 0, result.output
    assert from_json(result.stdout).verdict is Verdict.PASS
    refused(run("gate", "--wasm", "bad.wasm", "--accept", "UC4"), 2, "no guarantee 'UC4'", "W1, W12")


@pytest.mark.parametrize(
    ("config", "arguments", "words"),
    [
        ("[gate]\nvolatil = 'now'\n", [], ["[gate] has no key 'volatil'", "volatile"]),
        ("", ["--suite", "nonsense"], ["no suite 'nonsense'", "capsule, icrc, generic"]),
        ("", ["--suite", "capsule", "--volatile", "now"], ["--volatile belongs to the suite generic"]),
        ("", ["--module", "none.py"], ["cannot read none.py"]),
        ("", ["--guarantees", "bad.toml"], ["bad.toml: w1", "capital letters"]),
        ("", ["--argument", "(7)", "--candid", "plain.did"], ["--argument (7)", "service constructor"]),
    ],
)
def test_what_cannot_be_run(run, folder, config, arguments, words):
    """Bad input is one line and exit status 2, never a verdict."""
    (folder / "ic-harness.toml").write_text(config)
    (folder / "bad.toml").write_text('[w1]\nseverity = "C"\ntext = "x"\n')
    (folder / "plain.did").write_text(counters.DID)
    refused(run("gate", "--wasm", "good.wasm", *arguments), 2, *words)


MOTOKO = Path(__file__).parents[2] / "fixtures" / "canisters" / "motoko"
COUNTS = """
def fill(canister):
    for _ in range(3):
        canister.increment()
    canister.remember("Ada")


def verify(canister):
    kept = canister.state()
    assert kept["count"] == 10, f"the count is {kept['count']}"
    assert kept["names"] == ["Ada"]
"""


def test_a_motoko_counter_keeps_its_state(run, folder):
    """It passes with fill and verify, and without; arguments of init are encoded by the module's own section."""
    (folder / "ic-harness.toml").write_text('[gate]\nargument = "(7)"\nmodule = "counts.py"\n')
    (folder / "counts.py").write_text(COUNTS)
    counter = MOTOKO / "counter.wasm.gz"
    judged = run("gate", "--wasm", counter, "--baseline", counter)
    assert judged.exit_code == 0, judged.output
    assert "counts.py::verify holds" in " ".join(judged.stdout.split())
    (folder / "ic-harness.toml").write_text('[gate]\nvolatile = ["time", "state"]\nargument = "(7)"\n')
    assert run("gate", "--wasm", counter).exit_code == 0
    refused(run("gate", "--wasm", counter, "--argument", "(7, 8)"), 2, "--argument (7, 8)", "types")


def test_a_motoko_build_that_cannot_read_old_state(run, folder):
    """Motoko refuses variables of another type: the finding says what to do, and the old state is unharmed."""
    (folder / "ic-harness.toml").write_text('[gate]\nargument = "(7)"\nvolatile = "time"\n')
    new, old = MOTOKO / "counter_incompatible.wasm.gz", MOTOKO / "counter.wasm.gz"
    result = run("gate", "--wasm", new, "--baseline", old, "--json")
    assert result.exit_code == 1
    stages = {stage.name: stage for stage in from_json(result.stdout).stages}
    assert "Memory-incompatible program upgrade" in stages["Upgrade"].findings[0]
    assert any("migration expression" in finding for finding in stages["Upgrade"].findings)
    assert stages["Back-out"].outcome is Outcome.PASSED


def test_the_capsules_suite_can_be_named(run, folder):
    """By name the capsule's suite judges anything, and says that a counter is no capsule backend."""
    (folder / "ic-harness.toml").unlink()
    result = run("gate", "--wasm", "good.wasm", "--suite", "capsule")
    assert result.exit_code == 1
    assert "it is no capsule backend" in result.stdout


WATCH = """
import sys
from ic_harness.cli.main import commands
try:
    commands.main(["gate", "--wasm", "good.wasm", "--report", "found"])
except SystemExit as end:
    print("exit", end.code)
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"PIL", "ic_capsule"})
print("loaded", loaded)
"""


def test_a_counter_loads_nothing_of_the_capsule(folder):
    """The gate of a counter imports neither Pillow nor anything of `ic_capsule`."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["exit 0", "loaded []"], done.stdout + done.stderr
