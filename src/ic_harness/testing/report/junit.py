"""A report as JUnit XML, for the many tools that draw test results: one suite an area, one case a check.

The form is the one of Jenkins' junit-10.xsd, which other readers take too. JUnit knows no "accepted": such a
check is written as skipped, with the acceptance as its message, because it must never count as passed. The verdict
"not judged" is a skipped case too: without it a run of one guarantee of many would look like a pass.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ic_harness.testing.measured import FailedRun
from ic_harness.testing.report.facts import measured_facts
from ic_harness.testing.report.words import OUTCOME_WORDS, SEVERITY_WORDS
from ic_harness.testing.results import CheckResult, Outcome, Report, StageResult, Verdict
from ic_harness.text import clean, one_line

_KINDS: Final = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.ACCEPTED: "skipped",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}
_Case = tuple[Outcome, float, str]
"""How a case ended, its seconds, and its XML."""


def to_junit(report: Report) -> str:
    """Write a report as JUnit XML."""
    unjudged = [_verdict_case(report)] if report.verdict is Verdict.NOT_JUDGED else []
    gate = [*(_stage_case(stage) for stage in report.stages), *unjudged]
    suites = [_suite("Gate", gate, report)]
    areas = dict.fromkeys(check.guarantee.area for check in report.checks)
    for area in areas:
        cases = [_check_case(check) for check in report.checks if check.guarantee.area == area]
        suites.append(_suite(area, cases, report))
    failed = [_failed_case(it) for it in _failures(report)]
    suites.append(_suite("Tests that failed", failed, report))
    outcomes = [outcome for outcome, _, _ in (*gate, *failed)] + [check.outcome for check in report.checks]
    totals = _totals(outcomes, report.seconds)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="ic-harness"{totals}>'
    return "\n".join([head, *filter(None, suites), "</testsuites>", ""])


def _suite(name: str, cases: list[_Case], report: Report) -> str:
    """One suite with what was judged, and the verdict, as its properties; nothing where it has no cases."""
    subject = report.subject
    if not cases:
        return ""
    outcomes = [outcome for outcome, _, _ in cases]
    totals = _totals(outcomes, sum(seconds for _, seconds, _ in cases))
    skipped = sum(_KINDS.get(outcome) == "skipped" for outcome in outcomes)
    timestamp = f" timestamp={_quoted(subject.started)}" if subject.started else ""
    facts: dict[str, str | None] = {
        "verdict": report.verdict.value,
        "canister": subject.canister,
        "network": subject.network,
        "generation": subject.generation,
        "wasm_sha256": subject.wasm_sha256,
        "baseline": subject.baseline,
    }
    facts |= dict(measured_facts(report.measured))
    properties = [
        f"<property name={_quoted(key)} value={_quoted(value)}/>" for key, value in facts.items() if value
    ]
    lines = [
        f'<testsuite name={_quoted(name)}{totals} skipped="{skipped}"{timestamp}>',
        "<properties>",
        *properties,
        "</properties>",
        *(xml for _, _, xml in cases),
        "</testsuite>",
    ]
    return "\n".join(lines)


def _totals(outcomes: list[Outcome], seconds: float) -> str:
    failures = outcomes.count(Outcome.FAILED)
    errors = outcomes.count(Outcome.ERROR)
    return f' tests="{len(outcomes)}" failures="{failures}" errors="{errors}" time="{seconds:.3f}"'


def _stage_case(stage: StageResult) -> _Case:
    reason = "; ".join(stage.findings) or OUTCOME_WORDS[stage.outcome]
    return stage.outcome, stage.seconds, _case("Gate", stage.name, stage.seconds, _end(stage.outcome, reason))


def _verdict_case(report: Report) -> _Case:
    otherwise = "guarantees were left out by selection" if report.checks else "no test was about a guarantee"
    reason = "; ".join(report.refusals) or otherwise
    end = _end(Outcome.SKIPPED, reason, f"{report.verdict.value}: ")
    return Outcome.SKIPPED, 0.0, _case("Gate", "Verdict", 0.0, end)


def _failures(report: Report) -> tuple[FailedRun, ...]:
    """The tests that failed, where the run has no guarantees that say so."""
    run = report.measured.run if report.measured is not None else None
    return run.failures if run is not None and not report.checks else ()


def _failed_case(test: FailedRun) -> _Case:
    outcome = Outcome.FAILED if test.phase == "call" else Outcome.ERROR
    details = "\n".join(filter(None, [test.message, test.command]))
    end = _end(outcome, test.message.partition("\n")[0] or "failed", details=details)
    return outcome, 0.0, _case("Tests", test.test, 0.0, end)


def _check_case(check: CheckResult) -> _Case:
    guarantee = check.guarantee
    name = check.check if check.check.startswith(guarantee.id) else f"{guarantee.id} {check.check}".strip()
    end = _end(check.outcome, check.message or guarantee.text, _reason(check), _details(check))
    output = f"<system-out>{_text(chr(10).join(check.logs))}</system-out>" if check.logs else ""
    return check.outcome, check.seconds, _case(guarantee.area, name, check.seconds, end + output)


def _reason(check: CheckResult) -> str:
    """Return the word before the message for outcomes that JUnit cannot express."""
    if check.outcome is Outcome.ACCEPTED and check.acceptance:
        until = f" until {check.acceptance.expires}" if check.acceptance.expires else ""
        return f"accepted{until} ({check.acceptance.reason}): "
    return f"{OUTCOME_WORDS[check.outcome]}: "


def _details(check: CheckResult) -> str:
    guarantee = check.guarantee
    calls = [f"{step.number or number}. {step}" for number, step in enumerate(check.story, 1)]
    lines = [check.message] if not check.reported else []
    for violation in check.reported:
        lines += [
            f"{SEVERITY_WORDS[violation.severity]}: {violation.what}",
            violation.meaning,
            violation.trace,
        ]
    lines += ["", f"{guarantee.id} ({SEVERITY_WORDS[guarantee.severity]}): {guarantee.text}"]
    if check.reported and guarantee.fix:
        lines += [f"How to fix: {guarantee.fix}"]
        lines += [f"As in: {', '.join(guarantee.pattern)}"] if guarantee.pattern else []
    lines += [*calls, *(["", check.reproduction] if check.reproduction else [])]
    return "\n".join(lines).strip()


def _end(outcome: Outcome, message: str, reason: str = "", details: str = "") -> str:
    """The element that says that a case did not pass; nothing for one that did."""
    kind = _KINDS.get(outcome)
    if kind is None:
        return ""
    if kind == "skipped":
        return f"<skipped message={_quoted(one_line(reason + message, 500))}/>"
    return (
        f"<{kind} type={_quoted(OUTCOME_WORDS[outcome])} message={_quoted(one_line(message, 500))}>"
        f"{_text(details or message)}</{kind}>"
    )


def _case(area: str, name: str, seconds: float, inner: str) -> str:
    head = f'<testcase classname={_quoted(area)} name={_quoted(name)} time="{seconds:.3f}"'
    return f"{head}>{inner}</testcase>" if inner else f"{head}/>"


def _text(text: str) -> str:
    return escape(clean(text))  # also ">", so that no "]]>" is left


def _quoted(text: str) -> str:
    return quoteattr(one_line(text))
