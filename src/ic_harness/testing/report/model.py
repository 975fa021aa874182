"""The guarantees of a report, counted and ordered once for every format."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.measured import RunOutcome
from ic_harness.testing.report.words import SEVERITY_WORDS, count, names
from ic_harness.testing.results import CheckResult, Outcome, Report, Verdict, Violation

WORST_FIRST: Final = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.ACCEPTED,
    Outcome.SKIPPED,
    Outcome.NOT_APPLICABLE,
    Outcome.PASSED,
    None,
)
"""Which outcome of several speaks for a guarantee: one check that failed outweighs all that passed."""

SEVERITIES: Final = tuple(Severity)
"""Severities, critical first."""

_MEANINGS: Final = {
    Severity.CRITICAL: "Users can lose data, or callers get access that they have no right to.",
    Severity.HIGH: "Users get wrong or missing results in ordinary use.",
    Severity.MEDIUM: "Clients have to work around it, or get too little information.",
    Severity.LOW: "A nuisance without loss of data.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One guarantee with the results of its checks; without results it was not checked."""

    guarantee: Guarantee
    checks: tuple[CheckResult, ...]

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome of the checks; None where there is none."""
        found = {check.outcome for check in self.checks}
        return next((outcome for outcome in WORST_FIRST if outcome in found), None)

    @property
    def representative(self) -> CheckResult:
        """The representative result: of those with the worst outcome, the one with the worst violation."""
        candidates = [check for check in self.checks if check.outcome is self.outcome]
        return min(candidates, key=lambda check: SEVERITIES.index(check.severity))

    @property
    def severity(self) -> Severity:
        """The severity of the worst violation; of the guarantee where there is none."""
        return self.representative.severity if self.checks else self.guarantee.severity

    @property
    def violations(self) -> list[Violation]:
        """All violations of all its checks, worst first."""
        found = [violation for check in self.checks for violation in check.reported]
        return sorted(found, key=lambda violation: SEVERITIES.index(violation.severity))

    @property
    def seen(self) -> str:
        """The worst violation, or why the guarantee could not be judged, on one line."""
        what = (
            self.representative.reported[0].what
            if self.representative.reported
            else split_message(self.representative.message)[0]
        )
        return what.rstrip(":")

    @property
    def meaning(self) -> str:
        """What the worst violation means to users; empty where there is none."""
        return self.representative.reported[0].meaning if self.representative.reported else ""

    @property
    def others(self) -> int:
        """How many violations there are beside the worst."""
        return max(0, len(self.violations) - 1)


def known_guarantees(report: Report) -> dict[str, Guarantee]:
    """Return all guarantees of a report by id: the catalogue of its suite, then those that are only in its checks."""
    known = {guarantee.id: guarantee for guarantee in report.catalogue or ()}
    return known | {check.guarantee.id: check.guarantee for check in report.checks}


_HEADLINES: Final = {
    Verdict.COULD_NOT_RUN: "The canister was not judged: this says nothing about its health.",
    Verdict.REFUSED: "No guarantee broke, but a stage of the gate refused the canister.",
}
"""The reason of a verdict that no guarantee explains."""


class ReportModel:
    """The guarantees of a report in the order of the catalogue; those outside the catalogue come last."""

    def __init__(self, report: Report) -> None:
        self.report = report
        checks: dict[str, list[CheckResult]] = {}
        known = known_guarantees(report)
        for check in report.checks:
            checks.setdefault(check.guarantee.id, []).append(check)
        self.all = tuple(Finding(guarantee, tuple(checks.get(id_, ()))) for id_, guarantee in known.items())

    @property
    def judged(self) -> bool:
        """Whether guarantees or stages of the gate were judged; a run of other tests has only its outcomes."""
        return bool(self.all or self.report.stages) or self._run is None

    @property
    def run_failed(self) -> bool:
        """Whether the run has a test that failed, or did not come to its end."""
        return self._run is not None and bool(self._run.failed or self._run.errors or self._run.interrupted)

    @property
    def _run(self) -> RunOutcome | None:
        return self.report.measured.run if self.report.measured is not None else None

    @cached_property
    def areas(self) -> dict[str, list[Finding]]:
        """The findings by area, in the order of the catalogue."""
        grouped: dict[str, list[Finding]] = {}
        for finding in self.all:
            grouped.setdefault(finding.guarantee.area, []).append(finding)
        return grouped

    @cached_property
    def counts(self) -> Counter[Outcome | None]:
        """The number of guarantees by outcome."""
        return Counter(finding.outcome for finding in self.all)

    def of(self, *outcomes: Outcome) -> list[Finding]:
        """The findings with one of these outcomes, the most severe first, else as in the catalogue."""
        chosen = [finding for finding in self.all if finding.outcome in outcomes]
        return sorted(
            chosen,
            key=lambda it: (WORST_FIRST.index(it.outcome), SEVERITIES.index(it.severity)),
        )

    @property
    def reported(self) -> list[Finding]:
        """The findings to report: failed, in error and accepted, worst first."""
        return self.of(Outcome.FAILED, Outcome.ERROR, Outcome.ACCEPTED)

    def other_refusals(self, shown: int) -> list[str]:
        """Return the reasons of the verdict that are not about the first `shown` reported guarantees."""
        ids = {finding.guarantee.id for finding in self.reported[:shown]}
        return [text for text in self.report.refusals if _subject(text) not in ids]

    def headline(self) -> str:
        """The verdict's reason in one sentence."""
        if not self.judged:
            return "No test was about a guarantee."
        broken, errors = self.of(Outcome.FAILED), self.of(Outcome.ERROR)
        if broken:
            return _broke(broken)
        if errors:
            return f"{count(len(errors), 'guarantee')} could not be judged: the check itself went wrong."
        if self.report.verdict is Verdict.NOT_JUDGED:
            return f"{self._kept()} The others were left out by selection."
        return _HEADLINES.get(self.report.verdict) or self._kept()

    def _kept(self) -> str:
        passed, everything = self.counts[Outcome.PASSED], len(self.all)
        if not everything:
            return "No stage of the gate found a fault; no guarantees are stated."
        if passed == everything:
            return f"All {everything} guarantees hold."
        return f"{passed} of {everything} guarantees hold; none broke unaccepted."

    def meaning(self) -> str:
        """What the verdict means to users of the canister."""
        if not self.judged:
            return "The report shows what the tests measured; it does not judge the canister."
        broken = self.of(Outcome.FAILED)
        if broken:
            return _MEANINGS[broken[0].severity]
        if self.report.verdict is Verdict.PASS:
            return "The canister may be deployed."
        if self.report.verdict is Verdict.NOT_JUDGED:
            return "Nothing is said about the canister as a whole: run all guarantees before you deploy."
        if self.report.verdict is Verdict.REFUSED:
            return "The canister should not be deployed as it is."
        return "Repair what is named below, then run again."


def _broke(findings: list[Finding]) -> str:
    """How many broke: `1 critical guarantee broke.`, `4 guarantees broke, 3 critical and 1 medium.`."""
    severities = Counter(finding.severity for finding in findings)
    if len(severities) == 1:
        word = SEVERITY_WORDS[findings[0].severity]
        return f"{count(len(findings), f'{word} guarantee')} broke."
    parts = [f"{severities[one]} {SEVERITY_WORDS[one]}" for one in SEVERITIES if severities[one]]
    return f"{count(len(findings), 'guarantee')} broke, {names(parts)}."


def _subject(refusal: str) -> str:
    """What a sentence behind a verdict is about: `BL4` in `BL4 (critical): …`."""
    return refusal.split(maxsplit=1)[0].rstrip(":,") if refusal.strip() else ""


def split_message(message: str) -> tuple[str, str]:
    """Split a failure's text into what was seen (the first line) and what it means (the rest)."""
    what, _, meaning = message.strip().partition("\n")
    return what, meaning.strip()
