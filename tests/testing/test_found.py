"""Fuzzing of canisters that others wrote finds what docs/found.md says, and the replay files show it again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from ic_harness.cli import commands
from tests.icrc.ledgers import real_ledger, real_ledger_interface

from .found import REPLAYS, ROOT, findings, greeter_file

RUST, AZLE = (ROOT / "fixtures" / "canisters" / name for name in ("rust", "azle"))
SEQUENCES = 40
"""A fifth of the run on the page, which is enough for most of what it found."""
MODULES = {
    "assets": "assets.wasm.gz",
    "ledger": "ledger_canister.wasm",
    "greeter": "greeter.wasm",
    "counter": "counter.wasm.gz",
}
NAMES = tuple(MODULES)


def prepare(name, folder):
    """Put the module, its interface and the replay file into a folder, under the names on the page."""
    if name == "assets":
        shutil.copy(RUST / MODULES[name], folder)
        shutil.copy(ROOT / "tests" / "candid" / "data" / "assets.did", folder)
    elif name == "counter":
        shutil.copy(AZLE / MODULES[name], folder)
        shutil.copy(AZLE / "counter.did", folder)
    elif name == "greeter":
        (folder / MODULES[name]).write_bytes(greeter_file("counter.wasm"))
        (folder / "greeter.did").write_bytes(greeter_file("declarations/counter/counter.did"))
    else:
        wasm = real_ledger().wasm
        assert wasm is not None
        (folder / MODULES[name]).write_bytes(wasm)
        (folder / "ledger.did").write_text(real_ledger_interface(), encoding="utf-8")
    for file in REPLAYS.glob(f"{name}*.py"):
        shutil.copy(file, folder / f"test_{file.name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_replays_show_what_was_found(name, tmp_path):
    """Each finding of the page is a test of the replay file, which fails by what the page shows."""
    prepare(name, tmp_path)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--junitxml=seen.xml",
        ".",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    seen = {
        str(case.get("name")): "".join(failure.get("message") or "" for failure in case.iter("failure"))
        for case in ET.parse(tmp_path / "seen.xml").iter("testcase")
    }
    expected = {finding.test: finding.shown for finding in findings(name)}
    assert set(seen) == set(expected)
    assert {test: text for test, text in seen.items() if expected[test] not in text} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_finds_nothing_else(name, tmp_path, monkeypatch):
    """A shorter run with the seed of the page runs to its end, and finds what the page lists, and nothing else."""
    prepare(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    init = (REPLAYS / "ledger.init").read_text(encoding="utf-8")
    options = ["--candid", f"{name}.did", "--seed", "0", "--max-examples", str(SEQUENCES), "--json"]
    if name == "ledger":
        options += ["--argument", init]
    done = CliRunner().invoke(commands, ["fuzz", MODULES[name], *options], prog_name="ic-harness")
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    listed = {(finding.invariant, finding.method) for finding in findings(name)}
    found = {(failure["invariant"], failure["subject"]) for failure in report["failures"]}
    assert report["skipped"] == {}
    assert report["examples"] >= SEQUENCES
    assert found <= listed
    assert len(found) * 2 >= len(listed), "a run this short finds most of it"
