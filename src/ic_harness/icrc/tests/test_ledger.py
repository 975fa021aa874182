"""Every guarantee of the catalogue, proved or refuted on the ledger under test."""

from __future__ import annotations

import pytest

from ic_harness.conformance.check import Check
from ic_harness.conformance.collecting import Findings
from ic_harness.conformance.results import Outcome
from ic_harness.conformance.running import describe
from ic_harness.conformance.target import Target
from ic_harness.icrc.suite import LedgerSuite

SUITE = LedgerSuite()


def _case(check: Check) -> object:
    """One test of a guarantee, with severity and needs in its marker: `-m "guarantee(severity='C')"`."""
    guarantee = check.guarantee
    needs = " ".join(sorted(need.value for need in guarantee.needs))
    mark = pytest.mark.guarantee(guarantee.id, severity=guarantee.severity.value, needs=needs)
    return pytest.param(check, id=check.name, marks=mark)


@pytest.mark.parametrize("check", [_case(check) for check in SUITE.checks])
def test_guarantee(check: Check, ledger: Target, ic_findings: Findings) -> None:
    """The ledger keeps the guarantee."""
    ic_findings.catalogue = tuple(SUITE.catalogue.values())
    result = SUITE.run_check(check, ledger)
    ic_findings.checks.append(result)
    ic_findings.generation = "token ledger"
    if result.outcome is Outcome.SKIPPED:
        pytest.skip(f"{check.guarantee.id} needs what is not here: {result.message}")
    if result.outcome is Outcome.NOT_APPLICABLE:
        pytest.skip(f"{check.guarantee.id} is not applicable: {result.message}")
    if result.outcome is not Outcome.PASSED:
        pytest.fail(describe(result), pytrace=False)
