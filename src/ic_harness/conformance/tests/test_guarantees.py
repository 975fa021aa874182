"""Every guarantee of the catalogue, proved or refuted on the canister under test."""

from __future__ import annotations

import pytest

from ic_harness.conformance.checks import CHECKS, Check
from ic_harness.conformance.collecting import Findings, case, conclude
from ic_harness.conformance.running import run_check
from ic_harness.conformance.stage import Stage


@pytest.mark.parametrize("check", [case(check) for check in CHECKS])
def test_guarantee(check: Check, stage: Stage, ic_findings: Findings) -> None:
    """The canister keeps the guarantee."""
    result = run_check(check, stage)
    ic_findings.checks.append(result)
    ic_findings.generation = stage.generation
    conclude(result)
