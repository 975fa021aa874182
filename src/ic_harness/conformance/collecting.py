"""What one test of the suite found, on its way from a worker of pytest-xdist to the report of the run."""

from __future__ import annotations

from ic_harness.conformance.guarantees import Guarantee
from ic_harness.conformance.report import to_json
from ic_harness.conformance.results import CheckResult, Figure, Report, Subject, Timeline, Verdict


class Findings:
    """Results of checks, figures and timelines of one test.

    `generation` is the canister's. `catalogue` has all guarantees that the test could have been about; None for those
    of the capsule backend.
    """

    def __init__(self) -> None:
        self.checks: list[CheckResult] = []
        self.figures: list[Figure] = []
        self.timelines: list[Timeline] = []
        self.generation = ""
        self.catalogue: tuple[Guarantee, ...] | None = None

    def as_text(self) -> str:
        """The JSON of a report that holds these findings and no verdict worth the name."""
        report = Report(
            subject=Subject(canister="", network="", generation=self.generation, started=""),
            verdict=Verdict.COULD_NOT_RUN,
            checks=tuple(self.checks),
            figures=tuple(self.figures),
            timelines=tuple(self.timelines),
            catalogue=self.catalogue,
        )
        return to_json(report)
