"""The gate on the state of a Motoko canister: a fault that only old state shows, and its healthy twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ic_harness.networks import deploy_canister, embedded
from ic_harness.protocol import dump_pem
from ic_harness.replica import serve

MOTOKO = Path(__file__).parents[2] / "fixtures" / "canisters" / "motoko"
ACCOUNTS = 20
"""More than bank_faulty can upgrade, which is sixteen."""


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """A fork of a bank with accounts, and where its module is; made by the command, over HTTP."""
    folder = tmp_path_factory.mktemp("forks") / "bank.fork"
    with embedded() as network:
        bank = deploy_canister(network, MOTOKO / "bank.wasm.gz")
        for number in range(ACCOUNTS):
            bank.deposit(f"customer {number}", number)
        key = folder.with_name("key.pem")
        key.write_bytes(dump_pem(network.deployer))
        server = serve(network.replica, port=0)
        try:
            yield folder, f"{server.url}:{bank.canister_id}", key
        finally:
            server.stop()


@pytest.fixture(scope="module")
def downloaded(forked, run):
    folder, canister, key = forked
    done = run("fork", canister, str(folder), "--identity", str(key))
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def run():
    """Run a command in this process."""
    from click.testing import CliRunner

    from ic_harness.cli import commands

    return lambda *arguments: CliRunner().invoke(commands, list(arguments), prog_name="ic-harness")


def judged(run, build, baseline):
    """The exit status of the gate, and what its stage Upgrade found."""
    wasm = str(MOTOKO / f"{build}.wasm.gz")
    done = run("gate", "--wasm", wasm, "--baseline", str(baseline), "--suite", "generic", "--json")
    (stage,) = (stage for stage in json.loads(done.stdout)["stages"] if stage["name"] == "Upgrade")
    return done.exit_code, stage["outcome"], " ".join(stage["findings"]).replace("\n", " ")


def test_the_planted_fault_is_refused(run, downloaded):
    """The upgrade traps on the accounts of the fork, with the text of the trap."""
    status, outcome, findings = judged(run, "bank_faulty", f"fork:{downloaded}")
    assert (status, outcome) == (1, "failed")
    assert "Array index out of bounds" in findings


def test_the_healthy_twin_passes(run, downloaded):
    """The same state, upgraded by the build without the fault: both queries answer as before."""
    status, outcome, findings = judged(run, "bank", f"fork:{downloaded}")
    assert (status, outcome) == (0, "passed"), findings
    assert "2 queries without arguments answered as before" in findings


def test_without_the_fork_nothing_is_found(run):
    """On a new state the faulty build passes: this is what a fork is for."""
    status, outcome, findings = judged(run, "bank_faulty", MOTOKO / "bank.wasm.gz")
    assert (status, outcome) == (0, "passed"), findings
