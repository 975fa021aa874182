"""What a run of the suite or of the gate found, as data: written by the gate and the plugin, read by the report.

Everything here is a frozen record of plain values (texts, integers, bytes, tuples), so that a report can be made
of it in any format, on another machine, from JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.story import Step


class Outcome(StrEnum):
    """How one check, or one stage of the gate, ended."""

    PASSED = "passed"
    FAILED = "failed"
    ACCEPTED = "accepted"
    """It failed, and somebody accepted that until a date; never counted as passed."""
    SKIPPED = "skipped"
    """The network lacks what the check needs, or an earlier stage failed; `reason` names it."""
    NOT_APPLICABLE = "not_applicable"
    """This canister's interface cannot express it; `reason` says why."""
    ERROR = "error"
    """The check itself could not run: neither the canister's fault nor proof of its health."""


class Verdict(StrEnum):
    """What the gate decided."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    REFUSED = "refused"
    COULD_NOT_RUN = "could not run"
    NOT_JUDGED = "not judged"
    """Nothing that was checked broke, but guarantees were left out by selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A known fault that somebody accepted: which guarantee, why, and until when (that day included)."""

    id: str
    reason: str
    expires: date | None

    @property
    def over(self) -> str:
        """What is said when it no longer counts."""
        return f"It was accepted until {self.expires} ({self.reason}); that is over, so it refuses."


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that a check found wrong.

    `what` was seen (one line), `meaning` is the effect on users, `trace` the backtrace of a trap. `call` is the
    number of the check's last call when it was seen (`Step.number`), 0 before the first.
    """

    what: str
    meaning: str = ""
    severity: Severity
    trace: str = ""
    call: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check of one guarantee found.

    `violations` are the things that are wrong, worst first; `message` is the reason of an outcome that is no
    failure, and of a failure the first violation as text. `unfinished` says why the check could not go on after a
    violation. `story` holds the calls around the violations (oldest first), `logs` what the canister printed
    meanwhile, `seconds` how long it took. `reproduction` is Python code that makes the same calls again.
    """

    guarantee: Guarantee
    check: str
    outcome: Outcome
    message: str = ""
    story: tuple[Step, ...] = ()
    logs: tuple[str, ...] = ()
    seconds: float = 0.0
    acceptance: Acceptance | None = None
    violations: tuple[Violation, ...] = ()
    unfinished: str = ""
    reproduction: str = ""

    @property
    def told(self) -> tuple[Violation, ...]:
        """The violations; of a failure that has only a message, the message as one."""
        if self.violations or self.outcome not in (Outcome.FAILED, Outcome.ACCEPTED):
            return self.violations
        what, _, meaning = self.message.strip().partition("\n")
        return (Violation(what=what, meaning=meaning.strip(), severity=self.guarantee.severity),)

    @property
    def over(self) -> str:
        """What is said of an acceptance that no longer counts; empty where there is none."""
        expired = self.outcome is Outcome.FAILED and self.acceptance is not None
        return self.acceptance.over if expired and self.acceptance else ""

    @property
    def severity(self) -> Severity:
        """The severity of the worst violation; without any, that of the guarantee."""
        found = [violation.severity for violation in self.told]
        return min(found, key=list(Severity).index) if found else self.guarantee.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """One step of the gate: `name` such as "Wasm" or "Upgrade rehearsal", and its findings in sentences."""

    name: str
    outcome: Outcome
    findings: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCost:
    """What one method cost: instructions of the dearest and of the median call, and the cycles of all calls together.

    `baseline` is the median of the build before, `budget` the highest median allowed; None where unknown.
    """

    method: str
    calls: int
    median: int
    dearest: int
    cycles: int
    baseline: int | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One piece of work on a row of a timeline: nanoseconds since the timeline began; `amount` in bytes."""

    row: str
    label: str
    start_ns: int
    end_ns: int
    amount: int = 0
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What ran beside what: the two lanes of one photo, or many sessions in parallel."""

    title: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One of the four assets of an uploaded photo, as read back from the canister."""

    asset: str
    mime: str
    width: int
    height: int
    size: int
    data: bytes
    """The image to show; a smaller rendition where the asset is large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number worth telling, already written for people: ("Sessions at once", "500")."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was judged: a file or a canister, where, and when (ISO 8601, UTC)."""

    canister: str
    network: str
    generation: str
    started: str
    wasm_sha256: str | None = None
    wasm_size: int | None = None
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one run found. `refusals` are the sentences behind a verdict that is not PASS, worst first.

    `suite` names the suite that ran. `catalogue` has all its guarantees, checked or not. Both are None where unknown.
    """

    subject: Subject
    verdict: Verdict
    refusals: tuple[str, ...] = ()
    stages: tuple[StageResult, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    costs: tuple[MethodCost, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    pictures: tuple[Picture, ...] = ()
    figures: tuple[Figure, ...] = ()
    suite: str | None = None
    catalogue: tuple[Guarantee, ...] | None = None
    seconds: float = 0.0
