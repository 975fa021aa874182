"""The soak, for who asks for it: `pytest --pyargs ic_harness.conformance.tests --soak`."""

from __future__ import annotations

import random

import pytest

from ic_harness.conformance.collecting import Findings
from ic_harness.conformance.expectations import BrokenGuaranteeError
from ic_harness.conformance.soak import Soak
from ic_harness.conformance.stage import Stage


@pytest.mark.guarantee("UC7", severity="C", needs="two")
def test_soak(stage: Stage, ic_findings: Findings, request: pytest.FixtureRequest) -> None:
    """500 sessions of 20 callers, all open at once and interleaved at random, keep their own bytes."""
    if not request.config.getoption("ic_soak"):
        pytest.skip("the soak takes a while: --soak runs it")
    seed = request.config.getoption("ic_soak_seed")
    seed = random.randrange(2**32) if seed is None else seed  # noqa: S311 - an order, no secret
    print(f"--soak-seed {seed}")  # noqa: T201 - pytest shows it with the failure
    try:
        soaked = Soak(stage, seed=seed).run()
    except BrokenGuaranteeError as error:
        pytest.fail(f"UC7 is broken under load (again by --soak-seed {seed}): {error}", pytrace=False)
    ic_findings.figures += soaked.figures
    ic_findings.timelines.append(soaked.timeline)
    for figure in soaked.figures:
        print(f"{figure.name}: {figure.value}")  # noqa: T201
