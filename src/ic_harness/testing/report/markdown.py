"""A report as Markdown for the page of a CI job: the verdict, what broke and why, and the counts.

Texts of the canister are written with character references for every sign that Markdown, HTML or GitHub's own
extensions (mentions, issue numbers, links, mathematics) would act on: they are read, never obeyed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from ic_harness.testing.report.facts import measured_facts
from ic_harness.testing.report.model import WORST_FIRST, Finding, ReportModel, split_message
from ic_harness.testing.report.words import (
    OUTCOME_SIGNS,
    OUTCOME_WORDS,
    SEVERITY_WORDS,
    change,
    count,
    duration,
    generation_word,
    number,
    verdict_word,
)
from ic_harness.testing.results import CheckResult, MethodCost, Outcome, Report, Verdict
from ic_harness.text import clean, one_line

_ACTIVE: Final = re.compile(
    r"[\\`*\[\]<>|~&@$]|#(?=\w)|:(?=\S)|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.|^(?:[-+#=]+|\d+(?=[.)]))",
    re.IGNORECASE,
)
"""Characters that Markdown interprets at their position; a `_` between letters and a `:` before a space are text."""
_STORIES: Final = 20
_WITH_CODE: Final = 10
"""Up to this many failures include their reproduction, unless it is longer than `_CODE` characters."""
_CODE: Final = 4000
_VERDICT_SIGNS: Final = {
    Verdict.PASS: "✅",
    Verdict.REFUSED: "❌",
    Verdict.COULD_NOT_RUN: "💥",
    Verdict.NOT_JUDGED: "▫️",
}


def to_markdown(report: Report) -> str:
    """Write the summary of a report; under 200 kB whatever is in it, as GitHub takes at most 1 MiB a step."""
    model = ReportModel(report)
    parts = [
        f"## {_sign(model)} {verdict_word(report)}: {safe(report.subject.canister)}",
        f"**{safe(model.headline())}** {safe(model.meaning())}",
        "\n".join(
            f"- {safe(refusal, 500)}" for refusal in model.other_refusals(len(model.reported))[:_STORIES]
        ),
        *_reported(model.reported),
        _counts(model) if model.all else "",
        _stages(report),
        _costs(report.costs),
        _measured(report),
        _subject(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def safe(text: str, limit: int = 300) -> str:
    """Write a text on one line so that Markdown shows it as it is."""
    return _ACTIVE.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), one_line(text, limit))


def _sign(model: ReportModel) -> str:
    if model.judged:
        return _VERDICT_SIGNS[model.report.verdict]
    return OUTCOME_SIGNS[Outcome.FAILED if model.run_failed else Outcome.PASSED]


def _measured(report: Report) -> str:
    """Return the tests that failed and what the run measured, a line each."""
    if report.measured is None:
        return ""
    run = report.measured.run
    lines = [
        f"- {safe(it.test, 200)}: {safe(it.message, 200)}{f' ({safe(it.command, 300)})' if it.command else ''}"
        for it in (run.failures if run is not None else ())[:_STORIES]
    ]
    lines += [f"- **{safe(name)}**: {safe(value)}" for name, value in measured_facts(report.measured)]
    return "\n".join(lines)


def _reported(reported: list[Finding]) -> Iterator[str]:
    if not reported:
        return
    rows = [
        f"| {OUTCOME_SIGNS[it.outcome]} {OUTCOME_WORDS[it.outcome]} | {safe(it.guarantee.id)} "
        f"| {SEVERITY_WORDS[it.severity]} | {safe(it.guarantee.text)} | {_seen(it)} |"
        for it in reported
    ]
    yield _table("| | guarantee | severity | what it promises | what was seen, and what it means |", rows)
    stories = [
        (it, check)
        for it in reported
        for check in it.checks
        if check.outcome is it.outcome and (check.story or check.violations)
    ]
    for index, (it, check) in enumerate(stories[:_STORIES]):
        yield _story(it, check, with_code=index < _WITH_CODE)
    if len(stories) > _STORIES:
        yield f"{len(stories) - _STORIES} more failures are in the report."


def _seen(finding: Finding) -> str:
    """The message of the check that speaks for the guarantee, and the acceptance where there is one."""
    check = finding.representative
    more = f" (and {count(finding.others, 'more violation')})" if finding.others else ""
    seen = safe(finding.seen) + more + (f"<br>**{safe(finding.meaning)}**" if finding.meaning else "")
    if check.acceptance is None or check.expiry_note:
        return f"{seen} {safe(check.expiry_note)}".rstrip()
    until = f" until {check.acceptance.expires}" if check.acceptance.expires else ""
    return f"{seen} — accepted{until}: {safe(check.acceptance.reason)}"


def _story(finding: Finding, check: CheckResult, *, with_code: bool) -> str:
    """Return the result of a check as preformatted HTML, in which Markdown is inactive."""
    lines = list(_lines(finding, check, with_code=with_code))
    body = html.escape("\n".join(line for line in lines).strip())
    return (
        f"<details><summary>{html.escape(one_line(finding.guarantee.id))}: the calls that led there</summary>"
        f"\n\n<pre>\n{body}\n</pre>\n\n</details>"
    )


def _lines(finding: Finding, check: CheckResult, *, with_code: bool) -> Iterator[str]:
    """Violations with their meanings, the repair, the calls, what the canister printed, and the reproduction."""
    for violation in check.reported[:_STORIES]:
        yield f"{SEVERITY_WORDS[violation.severity]}: {one_line(violation.what, 300)}"
        yield f"    {one_line(violation.meaning, 500)}" if violation.meaning else ""
    if not check.reported:
        what, rest = split_message(check.message)
        yield f"{one_line(what, 500)}\n{clean(rest)[:2000]}"
    if check.reported and finding.guarantee.fix:
        yield f"\nHow to fix: {finding.guarantee.fix}"
        yield f"As in: {', '.join(finding.guarantee.pattern)}" if finding.guarantee.pattern else ""
    yield ""
    for index, step in enumerate(check.story, 1):
        yield f"{step.number or index}. {one_line(str(step), 300)}"
    if check.logs:
        yield "\ncanister logs:"
        yield from (one_line(line, 300) for line in check.logs[-20:])
    if with_code and check.reproduction and len(check.reproduction) <= _CODE:
        yield f"\nto reproduce, in Python:\n\n{clean(check.reproduction)}"


def _counts(model: ReportModel) -> str:
    present = [outcome for outcome in reversed(WORST_FIRST[:-1]) if model.counts[outcome]]
    present += [None] if model.counts[None] else []
    row = " · ".join(
        f"{OUTCOME_SIGNS[outcome]} {model.counts[outcome]} {OUTCOME_WORDS[outcome]}" for outcome in present
    )
    return f"**{len(model.all)} guarantees:** {row}"


def _stages(report: Report) -> str:
    rows = [
        f"| {OUTCOME_SIGNS[stage.outcome]} {OUTCOME_WORDS[stage.outcome]} | {safe(stage.name)} "
        f"| {'<br>'.join(safe(split_message(it)[0]) for it in stage.findings[:5])} | {duration(stage.seconds)} |"
        for stage in report.stages
    ]
    return _table("| | stage | findings | time |", rows) if rows else ""


def _costs(costs: tuple[MethodCost, ...]) -> str:
    """Only methods over budget: the rest is in the report."""
    rows = [
        f"| {safe(cost.method)} | {number(cost.median)} | {number(cost.budget)} "
        f"| {change(cost.median, cost.baseline) if cost.baseline is not None else ''} |"
        for cost in costs
        if cost.budget is not None and cost.median > cost.budget
    ]
    head = "| method over budget | instructions (median) | budget | against the baseline |"
    return _table(head, rows) if rows else ""


def _subject(report: Report) -> str:
    subject = report.subject
    facts = [
        f"on {safe(subject.network)}",
        f"{generation_word(report)} {safe(subject.generation)}" if subject.generation else "",
        f"baseline {safe(subject.baseline)}" if subject.baseline else "",
        f"Wasm {safe(subject.wasm_sha256, 64)}" if subject.wasm_sha256 else "",
        duration(report.seconds),
    ]
    return f"<sub>{' · '.join(filter(None, facts))}</sub>"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])
