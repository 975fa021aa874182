"""Results of a run of the suite or of the gate, as data: written by the gate and the plugin, read by the report.

All types are frozen records of plain values (texts, integers, bytes, tuples), so that a report can be written in any
format, on another machine, from JSON.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.measured import Measured


class Outcome(StrEnum):
    """How one check, or one stage of the gate, ended."""

    PASSED = "passed"
    FAILED = "failed"
    ACCEPTED = "accepted"
    """It failed, and the fault is accepted until a date; never counted as passed."""
    SKIPPED = "skipped"
    """The network lacks what the check needs, or an earlier stage failed; `reason` names it."""
    NOT_APPLICABLE = "not_applicable"
    """This canister's interface cannot express it; `reason` says why."""
    ERROR = "error"
    """The check itself could not run: neither the canister's fault nor proof of its health."""


class Verdict(StrEnum):
    """The decision of the gate."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    REFUSED = "refused"
    COULD_NOT_RUN = "could not run"
    NOT_JUDGED = "not judged"
    """No checked guarantee broke, but others were left out by selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """An accepted fault: the guarantee, the reason, and the last day on which it is valid."""

    id: str
    reason: str
    expires: date | None

    @property
    def expiry_note(self) -> str:
        """The sentence for an acceptance that has expired."""
        return f"It was accepted until {self.expires} ({self.reason}); that has expired, so it refuses."


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that a check found wrong.

    `what` was seen (one line), `meaning` is the effect on users, `trace` the backtrace of a trap. `call` is the
    number of the check's last call when it was seen (`CallRecord.number`), 0 before the first.
    """

    what: str
    meaning: str = ""
    severity: Severity
    trace: str = ""
    call: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check of one guarantee.

    `violations` are sorted by severity, worst first. `message` is the reason of an outcome that is no failure, and the
    first violation as text otherwise. `unfinished` says why the check stopped after a violation. `story` has the calls
    around the violations (oldest first; the name is part of the JSON format), `logs` what the canister printed,
    `seconds` the duration. `reproduction` is Python code that makes the same calls again.
    """

    guarantee: Guarantee
    check: str
    outcome: Outcome
    message: str = ""
    story: tuple[CallRecord, ...] = ()
    logs: tuple[str, ...] = ()
    seconds: float = 0.0
    acceptance: Acceptance | None = None
    violations: tuple[Violation, ...] = ()
    unfinished: str = ""
    reproduction: str = ""

    @property
    def reported(self) -> tuple[Violation, ...]:
        """The violations; a failure with only a message has the message as one violation."""
        if self.violations or self.outcome not in (Outcome.FAILED, Outcome.ACCEPTED):
            return self.violations
        what, _, meaning = self.message.strip().partition("\n")
        return (Violation(what=what, meaning=meaning.strip(), severity=self.guarantee.severity),)

    @property
    def expiry_note(self) -> str:
        """The sentence for an expired acceptance; empty where there is none."""
        expired = self.outcome is Outcome.FAILED and self.acceptance is not None
        return self.acceptance.expiry_note if expired and self.acceptance else ""

    @property
    def severity(self) -> Severity:
        """The severity of the worst violation; without any, that of the guarantee."""
        found = [violation.severity for violation in self.reported]
        return min(found, key=list(Severity).index) if found else self.guarantee.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """The result of one stage of the gate: `name` such as "Wasm", and its findings as sentences."""

    name: str
    outcome: Outcome
    findings: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCost:
    """The cost of one method: instructions of the median and of the most expensive call, and cycles of all calls.

    `dearest` is that maximum (the name is part of the JSON format). `baseline` is the median of the previous build,
    `budget` the highest median allowed; None where unknown.
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
    """Work that ran concurrently: the two lanes of one photo, or many sessions."""

    title: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceArrow:
    """One call or answer: the number of its message, who to whom, `kind` call, reply, reject, task or trap."""

    number: int
    source: str
    target: str
    kind: str
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSequence:
    """The calls between users and canisters in one test; `left_out` counts earlier messages that are not in it."""

    title: str
    participants: tuple[str, ...]
    arrows: tuple[SequenceArrow, ...]
    left_out: int = 0


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
    """One number for the report, as text: ("Sessions at once", "500")."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a run: a file or a canister, the network, and the start (ISO 8601, UTC)."""

    canister: str
    network: str
    generation: str
    started: str
    wasm_sha256: str | None = None
    wasm_size: int | None = None
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one run. `refusals` are the reasons of a verdict that is not PASS, worst first.

    `suite` names the suite that ran. `catalogue` has all its guarantees, checked or not. Both are None where unknown.
    `sequences` are the calls of tests whose network was recorded, None where none was. `measured` is what else the run
    measured, None where nothing was.
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
    sequences: tuple[CallSequence, ...] | None = None
    measured: Measured | None = None
    seconds: float = 0.0
