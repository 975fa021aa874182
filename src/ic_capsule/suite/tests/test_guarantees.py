"""Every guarantee of the catalogue, proved or refuted on the canister under test."""

from __future__ import annotations

import pytest

from ic_capsule.suite.checks import CHECKS, Check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.result_collector import ResultCollector, case, conclude
from ic_harness.testing.runner import run_check


@pytest.mark.parametrize("check", [case(check) for check in CHECKS])
def test_guarantee(check: Check, context: CheckContext, ic_results: ResultCollector) -> None:
    """The canister keeps the guarantee."""
    result = run_check(check, context)
    ic_results.suite, ic_results.catalogue = "capsule", tuple(GUARANTEES.values())
    ic_results.checks.append(result)
    ic_results.generation = context.generation
    conclude(result)
