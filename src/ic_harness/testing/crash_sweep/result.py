"""What a sweep found, as a story that one can read and a test that one can paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.measured import SearchFinding
from ic_harness.text import clean

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFinding:
    """One intervention after which the invariant does not hold, or the scenario does not end.

    `intervention` is the id for `only`; `problem` is what the invariant said; `callers` is what the scenario saw, ""
    when it returned; `messages` are those of the run, with what was done to them.
    """

    intervention: str
    problem: str
    callers: str
    messages: tuple[str, ...]

    def story(self) -> str:
        """Return the finding as lines of text."""
        lines = [self.intervention, f"    {self.problem}".replace("\n", "\n    ")]
        if self.callers:
            lines.append(f"    the scenario ended with {self.callers}")
        lines += [f"    {number:3} {message}" for number, message in enumerate(self.messages, 1)]
        return clean("\n".join(lines))


@dataclass(slots=True, kw_only=True)
class SweepResult:
    """What a sweep did: its findings, shortest first, how many runs it made of how many planned, and remarks."""

    messages: tuple[str, ...]
    """The labels of the recorded messages."""
    planned: int
    runs: int = 0
    findings: list[SweepFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    test: str = ""
    """A test that shows the first finding again."""

    def summary(self) -> str:
        """Return how much was run, and how much of it was found, in one line."""
        count = len(self.findings)
        return f"{count} of {self.runs:,} interventions break the invariant, in {len(self.messages)} messages"

    def as_findings(self) -> list[SearchFinding]:
        """Return the findings as the report has them; the first with its test."""
        return [
            SearchFinding(
                title=it.intervention,
                problem=f"{it.problem}\nThe scenario ended with {it.callers}" if it.callers else it.problem,
                steps=it.messages,
                code=self.test if index == 0 else "",
            )
            for index, it in enumerate(self.findings)
        ]

    def story(self) -> str:
        """Return the findings as text."""
        count = len(self.findings)
        parts = [self.summary(), *(finding.story() for finding in self.findings[:_SHOWN])]
        if count > _SHOWN:
            parts.append(_others([finding.intervention for finding in self.findings[_SHOWN:]]))
        parts += [f"note: {clean(note)}" for note in self.notes]
        if self.test:
            parts.append(f"This test shows the first one again:\n\n{self.test}")
        return "\n\n".join(parts)

    def check(self) -> None:
        """Raise `CrashSweepError` when there are findings."""
        if self.findings:
            raise CrashSweepError(self)


class CrashSweepError(AssertionError):
    """A sweep has findings; its text is their story."""

    def __init__(self, result: SweepResult) -> None:
        super().__init__(result.story())
        self.result = result


def _others(ids: Sequence[str]) -> str:
    return "and:\n" + "\n".join(f"    {clean(one)}" for one in ids)
