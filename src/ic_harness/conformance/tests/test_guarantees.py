"""Every guarantee of the catalogue, proved or refuted on the canister under test."""

from __future__ import annotations

import pytest

from ic_harness.conformance.checks import CHECKS, Check
from ic_harness.conformance.collecting import Findings
from ic_harness.conformance.results import Outcome
from ic_harness.conformance.running import describe, run_check
from ic_harness.conformance.stage import Stage


def _case(check: Check) -> object:
    """One test of a guarantee, with severity and needs in its marker: `-m "guarantee(severity='C')"`."""
    guarantee = check.guarantee
    needs = " ".join(sorted(need.value for need in guarantee.needs))
    mark = pytest.mark.guarantee(guarantee.id, severity=guarantee.severity.value, needs=needs)
    return pytest.param(check, id=check.name, marks=mark)


@pytest.mark.parametrize("check", [_case(check) for check in CHECKS])
def test_guarantee(check: Check, stage: Stage, ic_findings: Findings) -> None:
    """The canister keeps the guarantee."""
    result = run_check(check, stage)
    ic_findings.checks.append(result)
    ic_findings.generation = stage.generation
    if result.outcome is Outcome.SKIPPED:
        pytest.skip(f"{check.guarantee.id} needs what is not here: {result.message}")
    if result.outcome is Outcome.NOT_APPLICABLE:
        pytest.skip(f"{check.guarantee.id} is not applicable: {result.message}")
    if result.outcome is not Outcome.PASSED:
        pytest.fail(describe(result), pytrace=False)
