"""Every guarantee of the catalogue, proved or refuted on the canister under test."""

from __future__ import annotations

import pytest

from ic_harness.conformance.checks import CHECKS, Check
from ic_harness.conformance.expectations import BrokenGuaranteeError, NotApplicableError, UnmetNeedError
from ic_harness.conformance.stage import Stage


@pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in CHECKS])
def test_guarantee(check: Check, stage: Stage) -> None:
    """The canister keeps the guarantee."""
    try:
        check.run(stage)
    except BrokenGuaranteeError as error:
        pytest.fail(f"{check.guarantee.id} is broken: {error}\n\nThe calls:\n{stage.story}", pytrace=False)
    except UnmetNeedError as error:
        pytest.skip(f"{check.guarantee.id} needs what is not here: {error}")
    except NotApplicableError as error:
        pytest.skip(f"{check.guarantee.id} is not applicable: {error}")
