"""A report on GitHub Actions: annotations beside the job's log, and the summary on the job's page.

An annotation is a line `::error title=…::message` on standard output. Its text comes from a canister that is
not trusted: signs that would end the line or the property are escaped as GitHub's own toolkit does
(`@actions/core`, command.ts), so that no text can start a workflow command of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from ic_harness.testing.report.markdown import to_markdown
from ic_harness.testing.report.model import Finding, ReportModel, split_message
from ic_harness.testing.report.words import SEVERITY_WORDS, count
from ic_harness.testing.results import Outcome, Report, Verdict
from ic_harness.text import clean, one_line

_SHOWN: Final = 10
"""GitHub shows that many errors, and as many warnings, of one step; further ones are dropped silently."""


def to_annotations(report: Report) -> list[str]:
    """The annotation lines of a report: broken guarantees and refusals as errors, accepted faults as warnings."""
    model = ReportModel(report)
    errors = [_annotation("error", it) for it in model.of(Outcome.FAILED, Outcome.ERROR)]
    warnings = [_annotation("warning", it) for it in model.of(Outcome.ACCEPTED)]
    if not errors and report.verdict is not Verdict.PASS:
        reasons = report.refusals or (model.headline(),)
        errors = [_line("error", f"ic-harness: {report.verdict.value}", reason) for reason in reasons]
    return [*_at_most(errors, "error"), *_at_most(warnings, "warning")]


def announce(report: Report, environment: Mapping[str, str], output: TextIO) -> None:
    """On GitHub Actions, print the annotations and add the summary to the job's page; elsewhere do nothing.

    `environment` is that of the process. Raises OSError when the summary file cannot be written.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    output.writelines(f"{line}\n" for line in to_annotations(report))
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(to_markdown(report))


def _annotation(level: str, finding: Finding) -> str:
    guarantee = finding.guarantee
    title = f"{guarantee.id} ({SEVERITY_WORDS[finding.severity]}): {one_line(guarantee.text, 120)}"
    return _line(level, title, _message(finding))


def _message(finding: Finding) -> str:
    check = finding.representative
    meaning = finding.meaning if check.reported else split_message(check.message)[1]
    more = f"({count(finding.others, 'more violation')}, see the report)" if finding.others else ""
    lines = [one_line(finding.seen, 500), clean(meaning)[:1000], more]
    if check.expiry_note:
        lines.append(one_line(check.expiry_note, 500))
    elif check.acceptance:
        until = f" until {check.acceptance.expires}" if check.acceptance.expires else ""
        lines.append(f"Accepted{until}: {one_line(check.acceptance.reason, 300)}")
    if check.reported and finding.guarantee.fix:
        lines.append(f"Fix: {one_line(finding.guarantee.fix, 500)}")
    if check.story:
        lines.append(f"Last call: {one_line(str(check.story[-1]), 300)}")
    return "\n".join(filter(None, lines))


def _line(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(one_line(title))}::{_data(clean(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _at_most(lines: list[str], level: str) -> list[str]:
    """Keep what GitHub shows; the last line of too many says how many there are."""
    if len(lines) <= _SHOWN:
        return lines
    left_out = len(lines) - _SHOWN + 1
    more = _line(level, "ic-harness", f"{left_out} more are in the report.")
    return [*lines[: _SHOWN - 1], more]
