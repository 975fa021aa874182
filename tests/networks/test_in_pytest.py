"""The plugin's `--network` on networks of other tools (stand-ins): the same tests, skipped by ability only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wasmtime

from ic_capsule.suite.checks import CHECKS
from tests.conftest import INSTALLED

from .conftest import COUNTER, COUNTER_DID

PLUGIN = () if INSTALLED else ("-p", "ic_harness.testing.plugin")
TESTS = """
import pytest
from ic_harness.units import MINUTE

@pytest.fixture
def counter(deploy):
    return deploy("counter.wasm", candid="counter.did")

def test_counts(counter):
    assert [counter.increment(), counter.get()] == [1, 1]

@pytest.mark.needs("time")
def test_time(network, counter):
    network.advance_time(60 * MINUTE)
    assert counter.increment() == 1

@pytest.mark.needs("single_round")
def test_round(network, counter):
    assert sorted(network.in_one_round([counter.increment] * 3)) == [1, 2, 3]

@pytest.mark.needs("logs")
def test_logs(network, counter):
    counter.increment()
    assert network.logs(counter.canister_id) == ["counted"]

@pytest.mark.needs("snapshot")
def test_snapshot(network):
    network.snapshot().close()
"""


@pytest.fixture
def play(pytester, tools, monkeypatch):
    """Run the tests above in a process of its own, with the stand-ins on PATH."""
    for name, module in (("dfx", "dfx"), ("icp", "icp"), ("pocket-ic", "pocket_ic")):
        tools.install(name, module)
    for name, value in tools.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("IC_HARNESS_NETWORK", raising=False)
    pytester.makepyfile(TESTS)
    (pytester.path / "counter.wasm").write_bytes(wasmtime.wat2wasm(COUNTER))
    (pytester.path / "counter.did").write_text(COUNTER_DID)
    (pytester.path / "icp.yaml").write_text("")
    networks = {"local": {"bind": "127.0.0.1:0"}}
    (pytester.path / "dfx.json").write_text(json.dumps({"networks": networks}))
    return lambda *args: pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *args)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "passed", "skipped"), [("dfx:start", 2, 3), ("icp:start", 2, 3), ("pocket-ic", 4, 1)]
)
def test_tests_run_on_every_network(play, network, passed, skipped):
    """Each network runs the tests that it can, and skips the others with the ability that they need."""
    result = play("--network", network, "-p", "no:xdist", "-rs")
    result.assert_outcomes(passed=passed, skipped=skipped)
    result.stdout.fnmatch_lines([f"*the network {network.partition(':')[0]} cannot*snapshot*"])


@pytest.mark.slow
def test_guarantees_are_proved_on_pocket_ic(play):
    """The conformance suite runs there as everywhere: photos, calls at once, sessions that expire."""
    result = play(
        "--pyargs",
        "ic_capsule.suite.tests",
        "-k",
        "UB8 or UC5 or FL2",
        "--network",
        "pocket-ic",
        "-p",
        "no:xdist",
    )
    chosen = sum(check.guarantee.id in {"UB8", "UC5", "FL2"} for check in CHECKS)
    result.assert_outcomes(passed=chosen, deselected=result.parseoutcomes()["deselected"])


def test_workers_share_no_started_network(play):
    """A network that would be started by each worker is refused before anything runs."""
    result = play("--network", "dfx:start", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*each worker of -n would start its own*--network dfx"])
    assert not Path(".dfx").exists()
