"""The soak, for who asks for it: `pytest --pyargs ic_capsule.suite.tests --soak`."""

from __future__ import annotations

import random

import pytest

from ic_capsule.suite.checks import Check
from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.soak import Soak, Soaked
from ic_capsule.suite.stage import Stage
from ic_harness.testing.collecting import Findings
from ic_harness.testing.results import Outcome
from ic_harness.testing.running import describe, run_check


@pytest.mark.guarantee("UC7", severity="C", needs="two")
def test_soak(stage: Stage, ic_findings: Findings, request: pytest.FixtureRequest) -> None:
    """500 sessions of 20 callers, all open at once and interleaved at random, keep their own bytes."""
    if not request.config.getoption("ic_soak"):
        pytest.skip("the soak takes a while: --soak runs it")
    seed = request.config.getoption("ic_soak_seed")
    seed = random.randrange(2**32) if seed is None else seed  # noqa: S311 - an order, no secret
    print(f"--soak-seed {seed}")  # noqa: T201 - pytest shows it with the failure
    done: list[Soaked] = []

    def five_hundred_sessions_at_once(scene: Stage) -> None:
        done.append(Soak(scene, seed=seed).run())

    result = run_check(Check(GUARANTEES["UC7"], five_hundred_sessions_at_once), stage)
    ic_findings.checks.append(result)
    ic_findings.generation = stage.generation
    if result.outcome is not Outcome.PASSED:
        pytest.fail(f"under load (again by --soak-seed {seed}): {describe(result)}", pytrace=False)
    for soaked in done:
        ic_findings.figures += soaked.figures
        ic_findings.timelines.append(soaked.timeline)
        for figure in soaked.figures:
            print(f"{figure.name}: {figure.value}")  # noqa: T201
