"""Every guarantee of the catalogue, proved or refuted on the ledger under test."""

from __future__ import annotations

import pytest

from ic_harness.icrc.suite import LedgerSuite
from ic_harness.testing.check import Check
from ic_harness.testing.result_collector import ResultCollector, case, conclude
from ic_harness.testing.target import Target

SUITE = LedgerSuite()


@pytest.mark.parametrize("check", [case(check) for check in SUITE.checks])
def test_guarantee(check: Check, ledger: Target, ic_results: ResultCollector) -> None:
    """The ledger keeps the guarantee."""
    ic_results.catalogue = tuple(SUITE.catalogue.values())
    result = SUITE.run_check(check, ledger)
    ic_results.checks.append(result)
    ic_results.generation = "token ledger"
    conclude(result)
