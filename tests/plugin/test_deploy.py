"""`deploy`: a canister of one's own in a test, as the README shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters" / "motoko"


@pytest.fixture
def counter(pytester):
    """A Motoko counter in the user's folder: counter.wasm.gz and counter.did."""
    for name in ("counter.wasm.gz", "counter.did"):
        pytester.path.joinpath(name).write_bytes((CANISTERS / name).read_bytes())


def test_five_lines_are_enough(counter, outcome):
    """A Wasm file, its interface and the arguments of its init make a canister that can be called."""
    source = """
        def test_it_counts(deploy):
            counter = deploy("counter.wasm.gz", 5, candid="counter.did")
            assert counter.increment() == 6
            assert counter.get() == 6
        """
    outcome(source).assert_outcomes(passed=1)


def test_caller_is_the_tests_own(counter, outcome):
    """Calls come from the test's own identity, and `as_` calls as another."""
    source = """
        def test(deploy, identity):
            counter = deploy("counter.wasm.gz", 0, candid="counter.did")
            assert counter.whoami() == identity.principal
            assert counter.as_(identity("bob")).whoami_update() == identity("bob").principal
        """
    outcome(source).assert_outcomes(passed=1)


def test_interface_from_the_option(counter, outcome):
    """`--candid` is the interface where the test has none."""
    source = "def test(deploy):\n    assert deploy('counter.wasm.gz', 1).get() == 1"
    outcome(source, "--candid", "counter.did").assert_outcomes(passed=1)


def test_interface_from_the_canister(counter, outcome):
    """Without another, the interface that the canister publishes is used."""
    source = """
        from pathlib import Path
        from ic_harness.candid import NAT, encode
        def test(network, identity):
            from ic_harness.networks import Canister
            wasm = Path("counter.wasm.gz").read_bytes()
            canister = network.deploy(wasm, encode((7,), (NAT,)))
            assert Canister(network, canister, identity=identity).get() == 7
        """
    outcome(source).assert_outcomes(passed=1)


def test_name_from_the_project(counter, outcome, pytester):
    """A name without a path is a canister of dfx.json, with its interface."""
    canister = {"type": "custom", "wasm": "counter.wasm.gz", "candid": "counter.did"}
    pytester.path.joinpath("dfx.json").write_text(json.dumps({"canisters": {"counter": canister}}))
    outcome("def test(deploy):\n    assert deploy('counter', 3).get() == 3").assert_outcomes(passed=1)


def test_missing_wasm_is_told(outcome):
    """A Wasm that is not there fails the test with its path."""
    result = outcome("def test(deploy):\n    deploy('none.wasm')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*InputError: cannot read *none.wasm*"])


def test_upgrade_keeps_or_loses(counter, outcome):
    """A test can upgrade what it deployed."""
    source = """
        from pathlib import Path
        def test(deploy, network):
            counter = deploy("counter.wasm.gz", 0, candid="counter.did")
            counter.increment()
            wasm = Path("counter.wasm.gz").read_bytes()
            network.install(counter.canister_id, wasm, b"DIDL\\0\\1\\x7d\\0", mode="upgrade")
            assert counter.state()["upgrades"] == 1
        """
    outcome(source).assert_outcomes(passed=1)
