"""The soak, for who asks for it: `pytest --pyargs ic_capsule.suite.tests --soak`."""

from __future__ import annotations

import random

import pytest

from ic_capsule.suite.checks import Check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.soak import Soak, SoakResult
from ic_harness.testing.result_collector import ResultCollector
from ic_harness.testing.results import Outcome
from ic_harness.testing.runner import describe, run_check


@pytest.mark.guarantee("UC7", severity="C", needs="two")
def test_soak(context: CheckContext, ic_results: ResultCollector, request: pytest.FixtureRequest) -> None:
    """500 sessions of 20 callers, all open at once and interleaved at random, keep their own bytes."""
    if not request.config.getoption("ic_soak"):
        pytest.skip("the soak takes a while: --soak runs it")
    seed = request.config.getoption("ic_soak_seed")
    seed = random.randrange(2**32) if seed is None else seed  # noqa: S311 - an order, no secret
    print(f"--soak-seed {seed}")  # noqa: T201 - pytest shows it with the failure
    done: list[SoakResult] = []

    def five_hundred_sessions_at_once(context: CheckContext) -> None:
        done.append(Soak(context, seed=seed).run())

    result = run_check(Check(GUARANTEES["UC7"], five_hundred_sessions_at_once), context)
    ic_results.checks.append(result)
    ic_results.generation = context.generation
    if result.outcome is not Outcome.PASSED:
        pytest.fail(f"under load (again by --soak-seed {seed}): {describe(result)}", pytrace=False)
    for soaked in done:
        ic_results.figures += soaked.figures
        ic_results.timelines.append(soaked.timeline)
        for figure in soaked.figures:
            print(f"{figure.name}: {figure.value}")  # noqa: T201
