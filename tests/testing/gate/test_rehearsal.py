"""The deploy, rehearsed forwards and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.suite import CapsuleSuite
from ic_harness.testing.gate import Build, GateRequest, accept_ids
from ic_harness.testing.gate.acceptance import Acceptances
from ic_harness.testing.gate.interface import judge_interface
from ic_harness.testing.gate.rehearsal import rehearse_back_out, rehearse_upgrade
from ic_harness.testing.gate.run import GateRun
from ic_harness.testing.gate.sandbox import Sandbox
from ic_harness.testing.gate.wasm import judge_wasm
from ic_harness.testing.results import Outcome

from .conftest import TODAY, reference, scenario, wat

GENERATIONS = Path(__file__).parents[3] / "fixtures" / "canisters" / "generations"
FORGETFUL = wat("(module)")
TRAPS = wat('(module (func (export "canister_post_upgrade") unreachable))')


def rehearsed(run):
    """Run the rehearsal on a run whose build is a backend for sure."""
    run.canister, run.generation = run.sandbox.network.create_canister(), "H"
    return scenario(run, rehearse_upgrade)


@pytest.fixture(scope="module")
def good(network):
    """A rehearsal from the reference to itself, with its back-out."""
    request = GateRequest(
        subject=reference("new.wasm.gz"), baseline=reference("old.wasm.gz"), today=TODAY, started="now"
    )
    run = GateRun(
        request=request, sandbox=Sandbox(network), suite=CapsuleSuite(), acceptances=Acceptances((), TODAY)
    )
    scenario(run, judge_wasm, judge_interface)
    return scenario(run, rehearse_upgrade), scenario(run, rehearse_back_out)


def test_everything_survives_the_upgrade(good):
    """Photos and a half upload of the old build are there under the new one, and the upload is finished."""
    upgrade, _ = good
    assert upgrade.outcome is Outcome.PASSED, upgrade.findings
    assert upgrade.findings == (
        "old.wasm.gz was filled with 3 photos of 2 people (12 assets), and an upload with 6 of 13 chunks sent",
        "after the upgrade: 3 memories and 12 assets read back equal",
        "after the upgrade: the upload that was under way was finished and reads back equal",
        "after the upgrade: a new photo was stored and reads back equal",
    )


def test_backing_out_brings_the_old_build_back(good):
    """The snapshot from before the upgrade holds everything, the half upload included."""
    _, back = good
    assert back.outcome is Outcome.PASSED, back.findings
    assert back.findings[:2] == (
        "after backing out: 3 memories and 12 assets read back equal",
        "after backing out: the upload that was under way was finished and reads back equal",
    )


def test_a_build_that_forgets_is_refused_and_can_be_backed_out(started):
    """Every loss is a fault with the guarantee it breaks; the snapshot still restores everything."""
    run = started(Build(name="new.wasm", wasm=FORGETFUL), baseline=reference("old.wasm.gz"))
    found = rehearsed(run)
    assert found.outcome is Outcome.FAILED
    lost = {finding.split(":")[0] for finding in found.findings}
    assert {"CA6", "BL7", "UC9", "FL1"} <= lost
    assert scenario(run, rehearse_back_out).outcome is Outcome.PASSED


def test_an_upgrade_that_traps_is_refused(started):
    """The network keeps the old build then, and everything in it reads back."""
    found = rehearsed(started(Build(name="new.wasm", wasm=TRAPS), baseline=reference("old.wasm.gz")))
    assert found.outcome is Outcome.FAILED
    assert "the upgrade from old.wasm.gz is refused" in found.findings[0]
    assert "after the refused upgrade: 3 memories and 12 assets read back equal" in found.findings


def test_losses_can_be_accepted(started):
    """Faults of the rehearsal are those of guarantees, and are accepted with them."""
    run = started(
        Build(name="new.wasm", wasm=FORGETFUL),
        baseline=reference("old.wasm.gz"),
        acceptances=accept_ids(["CA6", "BL7", "UC9", "FL1"], GUARANTEES),
    )
    assert rehearsed(run).outcome is Outcome.ACCEPTED


def test_a_baseline_that_cannot_be_filled_is_no_fault_of_the_new_build(started):
    """The rehearsal is skipped with the reason, and so is backing out."""
    run = started(reference(), baseline=Build(name="old.wasm", wasm=FORGETFUL))
    found = rehearsed(run)
    assert found.outcome is Outcome.SKIPPED
    assert "the baseline old.wasm cannot be filled" in found.findings[0]
    assert scenario(run, rehearse_back_out).outcome is Outcome.SKIPPED


def test_without_a_baseline_a_build_is_rehearsed_onto_itself(started):
    """A build that cannot even be filled is refused then."""
    found = rehearsed(
        started(
            Build(
                name="new.wasm",
                wasm=wat('(module (func (export "canister_update capsules_create") unreachable))'),
            )
        )
    )
    assert found.outcome is Outcome.FAILED
    assert "rehearsed from new.wasm to itself" in found.findings[-1]


@pytest.mark.parametrize(
    ("generation", "broken"),
    [("a", {"UC9", "BL7"}), ("h", {"UC9", "BL3", "BL7"})],
    ids=["generation A", "generation H"],
)
def test_older_generations_are_rehearsed_as_they_are(started, generation, broken):
    """Both forget blobs and sessions; H gives numbers of old blobs anew. Both can be backed out."""
    wasm = (GENERATIONS / f"{generation}.wasm.gz").read_bytes()
    run = started(Build(name=f"{generation}.wasm.gz", wasm=wasm))
    upgrade = rehearsed(run)
    assert {finding[:3] for finding in upgrade.findings if finding[3:4] == ":"} == broken
    assert upgrade.outcome is Outcome.FAILED, upgrade.findings
    assert any("BL7: after the upgrade, reading the Original of" in finding for finding in upgrade.findings)
    assert scenario(run, rehearse_back_out).outcome is Outcome.PASSED
