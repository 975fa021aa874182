"""Every guarantee of the catalogue, proved or refuted on the canister under test."""

from __future__ import annotations

import pytest

from ic_capsule.suite.checks import CHECKS, Check
from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.stage import Stage
from ic_harness.testing.collecting import Findings, case, conclude
from ic_harness.testing.running import run_check


@pytest.mark.parametrize("check", [case(check) for check in CHECKS])
def test_guarantee(check: Check, stage: Stage, ic_findings: Findings) -> None:
    """The canister keeps the guarantee."""
    result = run_check(check, stage)
    ic_findings.suite, ic_findings.catalogue = "capsule", tuple(GUARANTEES.values())
    ic_findings.checks.append(result)
    ic_findings.generation = stage.generation
    conclude(result)
