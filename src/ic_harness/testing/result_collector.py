"""The results of one test, sent from a worker of pytest-xdist to the report of the run."""

from __future__ import annotations

import pytest

from ic_harness.testing.check import Check
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.report import to_json
from ic_harness.testing.results import CheckResult, Figure, Outcome, Report, Subject, Timeline, Verdict
from ic_harness.testing.runner import describe


class ResultCollector:
    """Results of checks, figures and timelines of one test.

    `generation` is the canister's. `suite` names the suite that the test belongs to, None for a user's own test.
    `catalogue` has all guarantees that the test could have been about.
    """

    def __init__(self) -> None:
        self.checks: list[CheckResult] = []
        self.figures: list[Figure] = []
        self.timelines: list[Timeline] = []
        self.generation = ""
        self.suite: str | None = None
        self.catalogue: tuple[Guarantee, ...] = ()

    def as_text(self) -> str:
        """Return the results as the JSON of a report without a verdict."""
        report = Report(
            subject=Subject(canister="", network="", generation=self.generation, started=""),
            verdict=Verdict.COULD_NOT_RUN,
            checks=tuple(self.checks),
            figures=tuple(self.figures),
            timelines=tuple(self.timelines),
            suite=self.suite,
            catalogue=self.catalogue,
        )
        return to_json(report)


def case(check: Check) -> object:
    """Return a parameter for a check, with severity and needs in its marker: `-m "guarantee(severity='C')"`."""
    guarantee = check.guarantee
    needs = " ".join(sorted(need.value for need in guarantee.needs))
    mark = pytest.mark.guarantee(guarantee.id, severity=guarantee.severity.value, needs=needs)
    return pytest.param(check, id=check.name, marks=mark)


def conclude(result: CheckResult) -> None:
    """End the test with the outcome of its check: pass, skip with the reason, or fail with the description."""
    if result.outcome is Outcome.SKIPPED:
        pytest.skip(f"{result.guarantee.id} was skipped: {result.message}")
    if result.outcome is Outcome.NOT_APPLICABLE:
        pytest.skip(f"{result.guarantee.id} is not applicable: {result.message}")
    if result.outcome is not Outcome.PASSED:
        pytest.fail(describe(result), pytrace=False)
