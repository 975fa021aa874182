"""The stand-ins of the ICP ledger and the cycles ledger keep every guarantee of the suite."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest

from ic_harness import candid
from ic_harness.icrc.suite import LedgerSuite
from ic_harness.networks import embedded
from ic_harness.networks.system_canisters import select_icp
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.gate import Build
from ic_harness.testing.results import Outcome
from ic_harness.testing.target import Target

from .ledgers import judged

pytestmark = pytest.mark.slow


def identity(*parts: str) -> Ed25519Identity:
    return Ed25519Identity.from_seed(hashlib.sha256(" ".join(parts).encode()).digest())


def outcomes(target: Target) -> dict[Outcome, set[str]]:
    """The names of the checks by outcome."""
    suite, found = LedgerSuite(), {outcome: set[str]() for outcome in Outcome}
    for check in suite.checks:
        with target.network.anchored():
            result = suite.run_check(check, target)
        found[result.outcome].add(f"{result.guarantee.id} {result.message}")
    return found


def test_the_icp_ledger():
    """Installed with a minter that the suite has, no check of the ICP ledger's stand-in fails, and none is left out."""
    (chosen,) = (one for one in select_icp("stand-ins") if one.canister.name == "ledger")
    with judged(Build(name="ledger.wasm", wasm=chosen.wasm)) as target:
        found = outcomes(target)
    assert {outcome: ids for outcome, ids in found.items() if ids and outcome is not Outcome.PASSED} == {}


def test_the_cycles_ledger():
    """The cycles ledger's has no minting account, so the checks of minting are left out; no other one fails."""
    with embedded(icp="stand-ins") as network:
        ledger = network.icp["cycles-ledger"]
        (chosen,) = (one for one in select_icp("stand-ins") if one.canister.name == "cycles-ledger")
        upgrade = candid.encode(
            [{"Upgrade": None}], candid.parse_types("(variant { Upgrade : opt record {} })")
        )
        install = partial(network.install, ledger._id, chosen.wasm, upgrade, "upgrade")
        found = outcomes(Target(network, ledger._id, partial(identity, "caller"), upgrade=install))
    left_out = {
        text.partition(" ")[0]
        for outcome, ids in found.items()
        if outcome is not Outcome.PASSED
        for text in ids
    }
    assert left_out == {"TB1", "TB2", "TB3"}, found
    assert not found[Outcome.FAILED], found
